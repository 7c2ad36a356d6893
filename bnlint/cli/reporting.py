"""What all linting commands do at the end: report, and choose the exit status."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from bnlint.cli.options import CheckOptions, ReportOptions
from bnlint.cli.terminal import look_for
from bnlint.config import Config
from bnlint.errors import UsageError
from bnlint.finding import Applicability
from bnlint.lint import atomic_writing
from bnlint.lint.cell_places import by_cell
from bnlint.lint.engine import Result
from bnlint.lint.selection import as_bad_as
from bnlint.report import FORMATS
from bnlint.report.account_lines import unfinished
from bnlint.report.pictures import NEEDS_MATPLOTLIB
from bnlint.report.summary import statistics
from bnlint.stopwatch import measured
from bnlint.style import Detail
from bnlint.visible import visible

FOR_PEOPLE = ("text", "concise")
"""The formats that end in a summary."""


def require_place_for(output: Path) -> None:
    """Refuse a report that could not be written before anything is changed."""
    if output.is_dir():
        raise UsageError(f"cannot write `{output}`: it is a folder")
    if not output.parent.is_dir():
        raise UsageError(f"cannot write `{output}`: there is no folder `{output.parent}`")


def require_matplotlib() -> None:
    """Refuse a picture that could not be drawn before anything is done for it."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise UsageError(NEEDS_MATPLOTLIB)


def allowed(options: ReportOptions) -> tuple[Applicability, ...]:
    """The fixes that ``--fix`` would apply with the same options."""
    safe = (Applicability.SAFE,)
    return (*safe, Applicability.UNSAFE) if options.unsafe_fixes else safe


def report(result: Result, options: ReportOptions, to_stderr: bool = False) -> None:
    """Print the report, or write it to the file that was asked for."""
    result = by_cell(result)
    stream = sys.stderr if to_stderr else sys.stdout
    look = look_for(stream, options.output, allowed(options), detail=options.detail)
    counted = isinstance(options, CheckOptions) and options.statistics
    text = statistics(result, look) if counted else FORMATS[options.form](result, look)
    _say_what_is_unfinished(result, options)
    for note in result.notes:
        click.echo(visible(f"note: {note}"), err=True)
    if options.output is not None:
        atomic_writing.write_text(options.output, text)
    else:
        click.echo(text, nl=False, file=stream, color=look.colour)


def summarise(result: Result, options: CheckOptions) -> None:
    """Write what the run came to into the file that was asked for."""
    if options.summary is not None:
        from bnlint.report import summary_json

        text = summary_json.text(by_cell(result), measured())
        atomic_writing.write_text(options.summary, text)


def _say_what_is_unfinished(result: Result, options: ReportOptions) -> None:
    """Say what was not checked, where the report itself does not."""
    names = result.account.unfinished if result.account is not None else ()
    if names and options.form not in FOR_PEOPLE and options.detail is not Detail.QUIET:
        click.echo(f"note: {unfinished(names)}", err=True)


def status(result: Result, options: ReportOptions, config: Config) -> int:
    """The exit status: 1 if anything as severe as ``--fail-on`` was found."""
    level = options.fail_on or config.fail_on
    return int(not options.exit_zero and bool(as_bad_as(result.findings, level)))


def say_timings(seconds: Mapping[str, float]) -> None:
    """Print what took how long, the longest first; of each name what others did not take."""
    for name, spent in sorted(seconds.items(), key=lambda entry: -entry[1]):
        click.echo(f"{1000 * spent:10.1f} ms  {name}", err=True)
