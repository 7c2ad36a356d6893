"""What the command line passes to ``bnlint check``."""

from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The options of ``bnlint check``; what was not given is ``None``."""

    paths: tuple[str, ...]
    fix: bool
    unsafe_fixes: bool
    diff: bool
    select: tuple[str, ...] | None
    ignore: tuple[str, ...] | None
    fail_on: str | None
    form: str
    output: Path | None
    pedantic: bool
    exit_zero: bool
    stdin_filename: str | None
    report_unused_ignores: bool


def words(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Take an option apart that may be repeated and may hold several words with commas."""
    if not value:
        return None
    split = (word.strip() for text in value for word in text.split(","))
    return tuple(word for word in split if word)
