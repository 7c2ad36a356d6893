"""``bnlint check``: find the files, lint or fix them, report, and choose the exit status."""

import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bnlint import diagnostics, engine, files, registry, rewrite
from bnlint.cli_options import CheckOptions
from bnlint.cli_progress import Bar
from bnlint.cli_terminal import look_for
from bnlint.config import Config, closest
from bnlint.engine import Result
from bnlint.files import Found, Patterns, Target
from bnlint.finding import Applicability, Severity
from bnlint.fixer import Settled
from bnlint.misuse import Misuse
from bnlint.registry import Choice
from bnlint.report import FORMATS
from bnlint.report.patch import unified
from bnlint.selector import weight
from bnlint.sifting import Plan

_STDIN = "-"


def check(options: CheckOptions) -> int:
    """Do what the options ask for and return the exit status."""
    gc.disable()  # the trees live until the end: collecting costs a quarter of the time
    paths = options.paths or (".",)
    if _STDIN in paths and len(paths) > 1:
        raise Misuse("`-` reads standard input and goes with no other path")
    if "" in paths:
        raise Misuse("a path is empty; `.` is the working directory")
    if options.output is not None:
        _require_place_for(options.output)
    config = closest(_folder_of(paths, options))
    plan = _plan(options, config)
    found = _find(paths, options, config)
    _warn(found, config)
    if options.diff:
        return _diff(found, plan, options)
    if options.fix:
        return _fix(found, plan, options, config)
    with Bar() as progress:
        result = engine.lint(found.targets, plan, progress)
    _report(result, options)
    return _status(result, options, config)


def _require_place_for(output: Path) -> None:
    """Refuse a report that could not be written before anything is changed."""
    if output.is_dir():
        raise Misuse(f"cannot write `{output}`: it is a folder")
    if not output.parent.is_dir():
        raise Misuse(f"cannot write `{output}`: there is no folder `{output.parent}`")


def _folder_of(paths: Sequence[str], options: CheckOptions) -> Path:
    """Return the deepest folder that holds all paths."""
    if paths == (_STDIN,):
        return files.absolute(options.stdin_filename or "<stdin>").parent
    every = [files.absolute(path) for path in paths]
    folders = [path if path.is_dir() else path.parent for path in every]
    return Path(os.path.commonpath(folders))


def _find(paths: Sequence[str], options: CheckOptions, config: Config) -> Found:
    exclude = Patterns.of(config.root, config.exclude)
    if paths != (_STDIN,):
        return files.find(paths, exclude)
    name = options.stdin_filename or "<stdin>"
    target = Target(files.absolute(name), True, sys.stdin.buffer.read(), name)
    return Found(excluded=1) if exclude.cover(target.path) else Found([target])


def _plan(options: CheckOptions, config: Config) -> Plan:
    configured = Choice(config.select, config.ignore, config.extend_select, config.origin)
    given = Choice(options.select, options.ignore or ())
    for selectors in config.per_file_ignores.values():
        registry.require_known(selectors, config.origin)
    exclude = Patterns.of(config.root, config.exclude)
    return Plan(
        registry.chosen(configured, given),
        config.settings,
        likely=options.pedantic,
        unused_ignores=options.report_unused_ignores,
        is_excluded=exclude.cover,
        ignored_in=_IgnoredIn.of(config, (*config.ignore, *(options.ignore or ()))),
    )


@dataclass(frozen=True, slots=True)
class _IgnoredIn:
    """Which selectors are ignored in a file. ``everywhere`` are ids of diagnostics."""

    everywhere: tuple[str, ...]
    by_pattern: tuple[tuple[Patterns, tuple[str, ...]], ...]

    @classmethod
    def of(cls, config: Config, ignored: Sequence[str]) -> "_IgnoredIn":
        everywhere = [
            item.id
            for item in diagnostics.ALL
            if any(weight(word, item.id, item.name) for word in ignored)
        ]
        by_pattern = [
            (Patterns.of(config.root, [pattern]), words)
            for pattern, words in config.per_file_ignores.items()
        ]
        return cls(tuple(everywhere), tuple(by_pattern))

    def __call__(self, file: Path) -> list[str]:
        found = list(self.everywhere)
        for patterns, words in self.by_pattern:
            if patterns.cover(file):
                found.extend(words)
        return found


def _warn(found: Found, config: Config) -> None:
    for folder in found.unreadable:
        click.echo(f"warning: cannot read the folder `{folder}`", err=True)
    if found.excluded and not found.targets:
        click.echo(f"note: everything named is excluded by {config.origin}", err=True)


def _allowed(options: CheckOptions) -> tuple[Applicability, ...]:
    safe = (Applicability.SAFE,)
    return (*safe, Applicability.UNSAFE) if options.unsafe_fixes else safe


def _settle(found: Found, plan: Plan, options: CheckOptions) -> Settled[Result]:
    with Bar() as progress:
        return engine.fix(found.targets, plan, _allowed(options), progress)


def _diff(found: Found, plan: Plan, options: CheckOptions) -> int:
    settled = _settle(found, plan, options)
    patch = "".join(unified(c.before.path, c.before.content, c.after) for c in settled.changes)
    if options.output is not None:
        rewrite.write_text(options.output, patch)
    else:
        click.echo(patch, nl=False)
    trouble = {item.id for item in diagnostics.ALL if item.severity is Severity.ERROR}
    for finding in settled.result.findings:
        if finding.rule in trouble:
            place = f"{finding.span.path}:{finding.span.line}:{finding.span.column}"
            click.echo(f"{place}: {finding.rule} {finding.message}", err=True)
    number = len(settled.changes)
    click.echo(f"Would fix {_problems(settled.fixed)} in {_files(number)}.", err=True)
    return 1 if settled.changes and not options.exit_zero else 0


def _fix(found: Found, plan: Plan, options: CheckOptions, config: Config) -> int:
    settled = _settle(found, plan, options)
    from_stdin = options.paths == (_STDIN,)
    if from_stdin:
        _write_stdout(found, settled)
    else:
        rewrite.write(settled.changes)
    if settled.fixed:
        number = len(settled.changes)
        beside = from_stdin or options.output is not None or options.form not in _FOR_PEOPLE
        click.echo(f"Fixed {_problems(settled.fixed)} in {_files(number)}.", err=beside)
    _report(settled.result, options, to_stderr=from_stdin)
    return _status(settled.result, options, config)


_FOR_PEOPLE = ("text", "concise")


def _write_stdout(found: Found, settled: Settled[Result]) -> None:
    """Write standard input back, fixed where it could be."""
    for target in found.targets:
        own = [change for change in settled.changes if change.before.file == target.path]
        sys.stdout.buffer.write(rewrite.encoded(own[0]) if own else target.content or b"")


def _report(result: Result, options: CheckOptions, to_stderr: bool = False) -> None:
    stream = sys.stderr if to_stderr else sys.stdout
    look = look_for(stream, options.output, _allowed(options))
    text = FORMATS[options.form](result, look)
    if options.output is not None:
        rewrite.write_text(options.output, text)
    else:
        click.echo(text, nl=False, file=stream, color=look.colour)


def _status(result: Result, options: CheckOptions, config: Config) -> int:
    level = options.fail_on or config.fail_on
    if options.exit_zero or level == "never":
        return 0
    threshold = Severity[level.upper()]
    return int(any(finding.severity >= threshold for finding in result.findings))


def _problems(number: int) -> str:
    return f"{number} problem" if number == 1 else f"{number} problems"


def _files(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
