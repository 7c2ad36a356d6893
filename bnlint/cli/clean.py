"""``bnlint clean``: remove the cache."""

from pathlib import Path

import click

from bnlint.config import Config, closest
from bnlint.lint.cache import FOLDER, Cache
from bnlint.visible import display_path, visible


def cache_folder(given: Path | None, config: Config) -> Path:
    """Where the cache is: where it was said to be, else in the folder of the configuration."""
    return given or (config.root if config.origin else Path.cwd()) / FOLDER


def clean(given: Path | None) -> None:
    """Remove the cache, and say what was there."""
    folder = cache_folder(given, closest(Path.cwd()))
    number = Cache(folder).clear()
    what = f"{number} entry" if number == 1 else f"{number or 'no'} entries"
    click.echo(visible(f"Removed {what} from {display_path(folder)}."))
