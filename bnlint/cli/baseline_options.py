"""``--baseline`` and ``--write-baseline``: what was there before, and keeping what is there now."""

from pathlib import Path

import click

from bnlint.cli.options import CheckOptions
from bnlint.config import Config
from bnlint.errors import UsageError
from bnlint.lint import atomic_writing, baseline, configured
from bnlint.lint.baseline import Baseline
from bnlint.lint.engine import Result
from bnlint.visible import visible


def baseline_of(options: CheckOptions, config: Config) -> Baseline | None:
    """The baseline that is asked for, if any; none where one is to be written.

    Raises:
        UsageError: it cannot be read, or the options exclude each other.
    """
    if options.write_baseline is not None:
        if options.fix or options.diff:
            raise UsageError("`--write-baseline` goes with neither `--fix` nor `--diff`")
        return None
    if options.baseline is not None:
        return baseline.read(options.baseline)
    return configured.baseline_of(config)


def write(result: Result, file: Path) -> int:
    """Write what is found, and say so; the exit status is 0."""
    atomic_writing.write_text(file, baseline.text(result.every, result.sources))
    number = len(result.every)
    problems = f"{number} problem" if number == 1 else f"{number} problems"
    click.echo(
        visible(f"Wrote {problems} to {file}: with `--baseline {file}` only new ones are told.")
    )
    return 0
