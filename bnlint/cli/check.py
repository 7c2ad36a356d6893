"""``bnlint check``: find the files, lint or fix them, report, and choose the exit status."""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import click

from bnlint import diagnostics
from bnlint.cli import baseline_options, ignores
from bnlint.cli.invocations import calls_of, require_one_script
from bnlint.cli.options import CheckOptions
from bnlint.cli.progress import Bar
from bnlint.cli.reporting import (
    FOR_PEOPLE,
    allowed,
    report,
    require_place_for,
    say_timings,
    status,
    summarise,
)
from bnlint.cli.settings import show
from bnlint.config import Config, closest, read
from bnlint.errors import UsageError
from bnlint.finding import Severity
from bnlint.lint import atomic_writing, engine, files
from bnlint.lint.configured import cache_folder, plan_of
from bnlint.lint.engine import Result
from bnlint.lint.files import Found, LintTarget, Patterns
from bnlint.lint.fixer import Settled
from bnlint.lint.job import Trace
from bnlint.lint.reach import Reach
from bnlint.lint.selection import LintOptions
from bnlint.lint.text_lines import split
from bnlint.lint.workers import Workers, cores, in_this_process, over_processes
from bnlint.lint.writable import Writable
from bnlint.report.patch import unified
from bnlint.stopwatch import stopwatch
from bnlint.style import place_of, said
from bnlint.visible import display_path, pictured, visible

_STDIN = "-"


def check(options: CheckOptions) -> int:
    """Do what the options ask for and return the exit status."""
    if not options.timings and options.summary is None:
        return _check(options)
    with stopwatch() as seconds:
        answer = _check(options)
    if options.timings:
        say_timings(seconds)
    return answer


def _check(options: CheckOptions) -> int:
    gc.disable()  # also while reporting
    for place in filter(None, (options.output, options.summary, options.write_baseline)):
        require_place_for(place)
    if options.add_ignores:
        ignores.require_files(options)
    found, plan, config = asked_for(options)
    if options.show_files or options.show_settings:
        return show(found, plan, config, options)
    with _tracer(options) if _traces(options, config) else nullcontext() as trace:
        if options.diff:
            return _diff(found, plan, options, config, trace)
        if options.fix:
            return _fix(found, plan, options, config, trace)
        with Bar() as progress:
            result = engine.lint(
                found.targets, plan, progress, trace=trace, workers=_workers(options, config)
            )
    summarise(result, options)
    if options.write_baseline is not None:
        return baseline_options.write(result, options.write_baseline)
    if options.add_ignores:
        return ignores.add(result, plan)
    report(result, options)
    return status(result, options, config)


def _workers(options: CheckOptions, config: Config) -> Workers:
    if options.form == "html":  # runs and models stay in the process that rehearses
        return in_this_process
    workers = over_processes(options.jobs or cores())
    if options.no_cache:
        return workers
    from bnlint.lint.cache import Cache, cached

    return cached(workers, Cache(options.cache_dir or cache_folder(config)))


def asked_for(options: CheckOptions) -> tuple[Found, LintOptions, Config]:
    """Return the files that are meant, and what to look for in them, by options and configuration.

    Raises:
        UsageError: the paths or their arguments make no sense.
    """
    paths = options.paths or (".",)
    if options.arguments is not None:
        require_one_script(options.paths)
    if _STDIN in paths and len(paths) > 1:
        raise UsageError("`-` reads standard input and goes with no other path")
    if "" in paths:
        raise UsageError("a path is empty; `.` is the working directory")
    config = _configuration(paths, options)
    plan = plan_of(
        config,
        select=options.select,
        ignore=options.ignore or (),
        pedantic=options.pedantic,
        lint_tests=options.lint_tests,
        unused_ignores=options.report_unused_ignores,
    )
    found = _find(paths, options, config)
    _warn(found, config)
    plan = replace(
        _restrained(plan, found, options),
        calls=calls_of(options, config),
        baseline=baseline_options.baseline_of(options, config),
    )
    return found, plan, config


def _configuration(paths: Sequence[str], options: CheckOptions) -> Config:
    """The configuration that is asked for, else that of the project, with further exclusions."""
    folder = _folder_of(paths, options)
    if options.isolated and options.config is not None:
        raise UsageError("`--isolated` and `--config` exclude each other")
    if options.isolated:
        config = Config(folder)
    else:
        config = closest(folder) if options.config is None else read(options.config)
    version = options.torch_version or config.settings.torch_version
    settings = replace(config.settings, torch_version=version)
    return replace(config, exclude=(*config.exclude, *options.exclude), settings=settings)


def _tracer(options: CheckOptions) -> AbstractContextManager[Trace]:
    from bnlint.cli.child import tracer

    return tracer(options)


def _traces(options: CheckOptions, config: Config) -> bool:
    """Whether to run the models' code: only who runs bnlint decides that, not what is linted."""
    if options.trace is not None or options.trusted or not config.trace:
        return config.trace if options.trace is None else options.trace
    note = f"note: `trace = true` in {config.origin} is ignored, since it would run the project's code;"
    click.echo(visible(f"{note} --trace or --trusted allows that"), err=True)
    return False


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
    target = LintTarget(files.absolute(name), True, sys.stdin.buffer.read(), name)
    return Found(excluded=1) if exclude.cover(target.path) else Found([target])


def _restrained(plan: LintOptions, found: Found, options: CheckOptions) -> LintOptions:
    """The plan that lets fixes change only what was named, and nothing outside the project."""
    named_only = not options.fix_imports or options.paths == (_STDIN,)
    may_change = Reach.of(found.targets).may_change
    return replace(plan, may_change=may_change, named_only=named_only)


def _warn(found: Found, config: Config) -> None:
    for reason in found.unread:
        click.echo(visible(f"warning: {reason}"), err=True)
    for folder in found.empty:
        click.echo(visible(f"note: there is no Python file in `{folder}`"), err=True)
    if found.excluded and not found.targets:
        click.echo(visible(f"note: everything named is excluded by {config.origin}"), err=True)


def _settle(
    found: Found, plan: LintOptions, options: CheckOptions, config: Config, trace: Trace | None
) -> Settled[Result]:
    with Bar() as progress:
        levels = allowed(options)
        return engine.fix(found.targets, plan, levels, progress, trace, _workers(options, config))


def _diff(
    found: Found, plan: LintOptions, options: CheckOptions, config: Config, trace: Trace | None
) -> int:
    settled = _settle(found, plan, options, config, trace)
    stored = ((c.before.path, *atomic_writing.as_stored(c)) for c in settled.changes)
    patch = "".join(unified(path, before, after) for path, before, after in stored)
    if options.output is not None:
        atomic_writing.write_text(options.output, patch)
    else:
        click.echo(_shown(patch) if sys.stdout.isatty() else patch, nl=False)
    trouble = {item.id for item in diagnostics.ALL if item.severity is Severity.ERROR}
    for finding in settled.result.findings:
        if finding.rule in trouble:
            click.echo(f"{place_of(finding.span)}: {finding.rule} {said(finding)}", err=True)
    summarise(settled.result, options)
    _list_fixes("Would fix", settled, options, err=True)
    _say_what_is_left(settled, options, err=True)
    return 1 if settled.changes and not options.exit_zero else 0


def _shown(patch: str) -> str:
    """Return a patch for people to read: what is no terminal gets it as it is, to be applied."""
    return "".join(pictured(line.rstrip("\r\n")) + "\n" for line in split(patch))


def _fix(
    found: Found, plan: LintOptions, options: CheckOptions, config: Config, trace: Trace | None
) -> int:
    from_stdin = options.paths == (_STDIN,)
    writable = Writable(plan.may_change)
    plan = plan if from_stdin else replace(plan, may_change=writable)
    settled = _settle(found, plan, options, config, trace)
    notes = [
        f"`{display_path(file)}` is not fixed: {why}" for file, why in writable.obstacles.items()
    ]
    if from_stdin:
        _write_stdout(found, settled)
    else:
        notes += atomic_writing.write(settled.changes)
    for note in notes:
        click.echo(visible(f"note: {note}"), err=True)
    beside = from_stdin or options.output is not None or options.form not in FOR_PEOPLE
    if settled.done:
        _list_fixes("Fixed", settled, options, err=beside)
    _say_what_is_left(settled, options, err=beside)
    report(settled.result, options, to_stderr=from_stdin)
    summarise(settled.result, options)
    return status(settled.result, options, config)


def _list_fixes(verb: str, settled: Settled[Result], options: CheckOptions, err: bool) -> None:
    """Count the fixes, and name them if that is asked for."""
    number = len(settled.changes)
    end = ":" if options.show_fixes and settled.done else "."
    click.echo(f"{verb} {_problems(settled.fixed)} in {_files(number)}{end}", err=err)
    for item in settled.done if options.show_fixes else ():
        place = f"  {visible(item.path)}:{item.line}"
        click.echo(f"{place}: {item.rule} {visible(item.title)}", err=err)


def _say_what_is_left(settled: Settled[Result], options: CheckOptions, err: bool) -> None:
    """Name the files that fixes would change, had they been named."""
    fixes = [f.fix for f in settled.result.findings if f.fix and f.fix.beyond]
    left = [fix for fix in fixes if fix.applicability in allowed(options)]
    if not left:
        return
    paths = ", ".join(f"`{path}`" for path in sorted({p for fix in left for p in fix.beyond}))
    remedy = "name the file" if options.paths == (_STDIN,) else "name them, or use --fix-imports"
    line = f"Left {_problems(len(left))} whose fix changes {paths}: {remedy}."
    click.echo(visible(line), err=err)


def _write_stdout(found: Found, settled: Settled[Result]) -> None:
    """Write standard input back, fixed where it could be."""
    for target in found.targets:
        content = target.content or b""
        own = [change for change in settled.changes if change.before.file == target.path]
        sys.stdout.buffer.write(atomic_writing.encoded(own[0], content) if own else content)


def _problems(number: int) -> str:
    return f"{number} problem" if number == 1 else f"{number} problems"


def _files(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
