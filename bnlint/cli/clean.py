"""``bnlint clean``: remove the cache."""

from pathlib import Path

import click

from bnlint.config import closest
from bnlint.lint.cache import Cache
from bnlint.lint.configured import cache_folder
from bnlint.visible import display_path, visible


def clean(given: Path | None) -> None:
    """Remove the cache, and say what was there."""
    folder = given or cache_folder(closest(Path.cwd()))
    number = Cache(folder).clear()
    what = f"{number} entry" if number == 1 else f"{number or 'no'} entries"
    click.echo(visible(f"Removed {what} from {display_path(folder)}."))
