"""``--watch``: lint again whenever a file changes, until the user has had enough."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from bnlint.cli.extras import require
from bnlint.cli.options import CheckOptions
from bnlint.errors import UsageError
from bnlint.lint.cache import FOLDER
from bnlint.lint.files import SUFFIXES, absolute
from bnlint.visible import visible

_ENDINGS = (*SUFFIXES, ".yaml", ".yml", ".json", ".toml", ".ini")
"""Of files that a report may depend on."""


def watch(options: CheckOptions, check: Callable[[CheckOptions], int]) -> int:
    """Report now and after each change; a configuration that makes no sense is said and waited out."""
    require("watchfiles", "--watch", "watch")
    if options.fix or options.diff or options.write_baseline or options.add_ignores:
        raise UsageError("`--watch` only reports: it goes without options that write or compare")
    if "-" in options.paths:
        raise UsageError("`--watch` needs files: standard input does not change")
    status = 0
    for _ in _changes(options):
        try:
            status = check(options)
        except UsageError as misuse:
            click.echo(visible(f"error: {misuse}"), err=True)
        gc.collect()  # which linting itself leaves out
        click.echo("Waiting for changes; Ctrl-C ends it.", err=True)
    return status


def _changes(options: CheckOptions) -> Iterator[None]:
    """Yield at once, and whenever something has changed that a report may depend on."""
    from watchfiles import Change, DefaultFilter, watch

    yield
    own = FOLDER if options.cache_dir is None else options.cache_dir.name
    written = [absolute(file) for file in (options.output, options.summary) if file is not None]
    kept = DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, own), ignore_paths=written)

    def matters(change: Change, path: str) -> bool:
        return Path(path).suffix in _ENDINGS and kept(change, path)

    for _ in watch(*_folders(options), watch_filter=matters, raise_interrupt=False):
        click.clear()
        yield


def _folders(options: CheckOptions) -> set[Path]:
    """The folders around what is linted, and the working directory, which it may import from."""
    paths = [absolute(path) for path in options.paths or (".",)]
    return {absolute("."), *(path if path.is_dir() else path.parent for path in paths)}
