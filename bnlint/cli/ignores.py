"""``--add-ignores``: comments that silence what is found, written into the files."""

from collections.abc import Iterator, Sequence

import click

from bnlint import registry
from bnlint.cli.options import CheckOptions
from bnlint.errors import UsageError
from bnlint.finding import Finding
from bnlint.lint import atomic_writing
from bnlint.lint.engine import Result
from bnlint.lint.fixer import Change, compiles, edited
from bnlint.lint.ignore_comments import REASON, edits_of
from bnlint.lint.selection import LintOptions
from bnlint.visible import visible


def require_files(options: CheckOptions) -> None:
    """Refuse what does not go together with comments; raises :class:`UsageError`."""
    others = {"--fix": options.fix, "--diff": options.diff}
    others |= {"--write-baseline": options.write_baseline is not None, "-": "-" in options.paths}
    for name in (name for name, given in others.items() if given):
        raise UsageError(f"`--add-ignores` does not go with `{name}`")


def add(result: Result, plan: LintOptions) -> int:
    """Write the comments, and say so; the exit status is 0."""
    told = [finding for finding in result.every if finding.rule in registry.rules()]
    if plan.baseline is not None:
        told = plan.baseline.new(told, result.sources)
    changes: list[Change] = []
    silenced = 0
    for path, own in _by_path(told):
        change = _commented(result, plan, path, own)
        if change is None:
            click.echo(visible(f"note: no comments can be written into `{path}`"), err=True)
            continue
        changes.append(change)
        silenced += len(own)
    for note in atomic_writing.write(changes):
        click.echo(visible(f"note: {note}"), err=True)
    problems = "1 problem" if silenced == 1 else f"{silenced} problems"
    files = "1 file" if len(changes) == 1 else f"{len(changes)} files"
    reasons = f" Each comment ends with `{REASON}`: replace that." if changes else ""
    click.echo(f"Silenced {problems} in {files}.{reasons}")
    return 0


def _by_path(findings: Sequence[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    for path in sorted({finding.span.path for finding in findings}):
        yield path, [finding for finding in findings if finding.span.path == path]


def _commented(
    result: Result, plan: LintOptions, path: str, findings: Sequence[Finding]
) -> Change | None:
    """A file with its comments, if it may be changed and still is Python then."""
    source = result.sources.get(path)
    if source is None or not plan.may_change(source.file):
        return None
    text = edited(source.content, edits_of(source.content, path, findings))
    if text is None or (compiles(source.content) and not compiles(text)):
        return None
    return Change(source, text)
