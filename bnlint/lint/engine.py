"""From files to findings: read, rehearse once, ask every rule, leave out what is ignored."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint import diagnostics, registry
from bnlint.errors import UsageError
from bnlint.facts.passes.account import Account, account_of
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.invocation import Invocation, Refusal
from bnlint.facts.types.rehearsal import Rehearsal, RehearsalFailure
from bnlint.facts.types.run import Run
from bnlint.finding import Applicability, Finding
from bnlint.immutable import immutable
from bnlint.lint import loading, selection
from bnlint.lint.files import LintTarget
from bnlint.lint.fixer import Settled, settle
from bnlint.lint.merge_runs import merged_runs
from bnlint.lint.selection import LintOptions
from bnlint.rule import Rule, Settings
from bnlint.source import Project
from bnlint.stopwatch import timed
from bnlint.urls import ISSUES
from bnlint.visible import display_path
from bnlint.vocabulary.packages import is_library

if TYPE_CHECKING:
    from bnlint.lint.trace_program import Attempt, Traced
    from bnlint.source import SourceFile

Progress = Callable[[int, int], None]
Trace = Callable[[Rehearsal, Project], "Traced"]

_NOTHING = Rehearsal(Graphs(), ())


@immutable
class Result:
    """What one lint found, in order of path and place.

    ``sources`` are all files that were read, by their display paths; ``texts`` also has what could
    be decoded of unreadable ones. ``checked`` counts the files that were asked for. ``attempts`` are
    the models that were traced or not, ``added`` the findings that reading alone did not give;
    ``None`` where nothing was read. ``notes`` are what else the user should know of the run,
    ``account`` is what was understood of the program, where one was read, ``runs`` are what it does.
    """

    findings: tuple[Finding, ...]
    sources: Mapping[str, "SourceFile"]
    texts: Mapping[str, str]
    checked: int
    attempts: tuple["Attempt", ...] = ()
    added: tuple[Finding, ...] | None = ()
    notes: tuple[str, ...] = ()
    account: Account | None = None
    runs: tuple[Run, ...] = ()


def lint(
    files: Sequence[LintTarget],
    plan: LintOptions,
    progress: Progress | None = None,
    overrides: Mapping[Path, "SourceFile"] | None = None,
    trace: Trace | None = None,
) -> Result:
    """Lint files together: their imports, callers and callees count as one program.

    ``overrides`` are texts that replace those on disk. ``trace`` also builds the models and traces
    them, which runs their code.

    Raises:
        UsageError: a script does not take the arguments that it is called with.
    """
    texts = dict(overrides or {})
    with timed("reading files"):
        opened = loading.read_all(files, texts)
    project = Project(texts | {file.file: file for file in opened.files})
    with timed("rehearsing"):
        recipes = trace is not None
        rehearsal = _rehearsed(opened.files, project, progress, plan.calls, recipes=recipes)
    first = opened.files[0].path if opened.files else ""
    found = [*map(_failed, rehearsal.failures), *_check(rehearsal, plan, first)]
    traced = _traced(trace, rehearsal, project)
    found, added = _with_traced(found, traced, plan, first)
    _note_unreadable_imports(opened, project, plan)
    sources = {file.path: file for file in (*project.files, *opened.files)}
    findings = _chosen([*opened.findings, *found], sources, files, plan)
    return Result(
        findings=findings,
        sources=sources,
        texts=opened.texts | {path: file.content for path, file in sources.items()},
        checked=len(files),
        attempts=traced.attempts if traced is not None else (),
        added=tuple(finding for finding in findings if finding in added),
        notes=tuple(_unread(rehearsal, opened.files, plan)),
        account=account_of(rehearsal) if opened.files else None,
        runs=rehearsal.runs,
    )


def _chosen(
    found: Sequence[Finding],
    sources: "Mapping[str, SourceFile]",
    files: Sequence[LintTarget],
    plan: LintOptions,
) -> tuple[Finding, ...]:
    """The findings that are to be reported, in order."""
    asked = {target.path for target in files}
    given = {path for path, file in sources.items() if file.file in asked}
    return tuple(sorted(selection.sift(found, sources, given, plan), key=_place))


def _traced(trace: Trace | None, rehearsal: Rehearsal, project: Project) -> "Traced | None":
    if trace is None:
        return None
    with timed("tracing"):
        return trace(rehearsal, project)


def _with_traced(
    found: list[Finding], traced: "Traced | None", plan: LintOptions, path: str
) -> tuple[list[Finding], set[Finding]]:
    """All findings, with those that the traced models add, and these alone."""
    if traced is None:
        return found, set()
    from bnlint.lint.trace_program import merged

    every, added = merged(found, [*_check(traced.rehearsal, plan, path)])
    return [*every, *(f for attempt in traced.attempts for f in attempt.findings())], added


def _note_unreadable_imports(opened: loading.Opened, project: Project, plan: LintOptions) -> None:
    for file, error in project.unreadable.items():
        if not (plan.is_excluded(file) or is_library(str(file))):
            opened.note_unreadable(file, display_path(file), error)


def _rehearsed(
    files: "Sequence[SourceFile]",
    project: Project,
    progress: Progress | None,
    calls: Mapping[Path, Sequence[Invocation]],
    *,
    recipes: bool,
) -> Rehearsal:
    """What a program does; where there is none, the interpreter is not even imported.

    Raises:
        UsageError: a script does not take the arguments that it is called with.
    """
    if not files:
        return _NOTHING
    from bnlint.interpreter import rehearse

    rehearsal = rehearse(files, project, progress, recipes=recipes, calls=calls)
    for refusal in rehearsal.refusals:
        raise UsageError(_refused(refusal))
    return rehearsal


def _refused(refusal: Refusal) -> str:
    """What a script says of its arguments, and where they were given."""
    call = refusal.invocation
    if not call.origin:
        return f"{refusal.message} (says `{refusal.script}`)"
    return f"`{refusal.script} {call}` in `runs` of {call.origin}: {refusal.message}"


def _unread(rehearsal: Rehearsal, files: "Sequence[SourceFile]", plan: LintOptions) -> list[str]:
    """Notes on calls whose arguments make no difference."""
    rehearsed = {file.file for file in files}
    calls = [c for file, own in plan.calls.items() if file not in rehearsed for c in own]
    return [
        f"nothing that was understood of the script reads the arguments `{call}` ({call.source})"
        for call in (*rehearsal.unread, *calls)
    ]


def fix(
    files: Sequence[LintTarget],
    plan: LintOptions,
    allowed: Collection[Applicability],
    progress: Progress | None = None,
    trace: Trace | None = None,
) -> Settled[Result]:
    """Lint and fix in memory until nothing changes; writing is up to the caller."""
    unchanged: dict[Path, SourceFile] = {}

    def once(texts: Mapping[Path, "SourceFile"]) -> Result:
        result = lint(files, plan, progress, {**unchanged, **texts}, trace)
        for file in result.sources.values():
            unchanged.setdefault(file.file, file)
        return result

    return settle(once, allowed)


def lint_models(attempts: Sequence["Attempt"], project: Project, plan: LintOptions) -> Result:
    """Lint the graphs of traced models by themselves."""
    graphs = Graphs(attempt.graph for attempt in attempts if attempt.graph is not None)
    crashed = attempts[0].span.path if attempts else ""
    found = [*_check(Rehearsal(graphs, ()), plan, crashed)]
    found += [finding for attempt in attempts for finding in attempt.findings()]
    sources = {file.path: file for file in project.files}
    findings = tuple(sorted(selection.sift(found, sources, (), plan), key=_place))
    texts = {path: file.content for path, file in sources.items()}
    return Result(findings, sources, texts, len(attempts), tuple(attempts), None)


def lint_text(text: str, name: str = "example.py", rules: Iterable[Rule] = ()) -> list[Finding]:
    """Lint one text with the default rules and ``rules``; it imports nothing of a project."""
    return list(lint([example(text, name)], default_plan(rules)).findings)


def default_plan(rules: Iterable[Rule] = ()) -> LintOptions:
    """Return a plan of the default rules and ``rules``."""
    asked = {rule.id for rule in rules}
    return LintOptions(tuple(r for r in registry.rules().values() if r.default or r.id in asked))


def example(text: str, name: str = "example.py") -> LintTarget:
    """Return a text as a file in a folder of its own."""
    path = Path("/bnlint-example") / name
    return LintTarget(path, named=True, content=text.encode("utf-8"), display=name)


def _failed(failure: RehearsalFailure) -> Finding:
    message = (
        f"Reading what `{failure.entry}` does stopped with {failure.reason}, so what follows there"
        f" was not checked; please report this at {ISSUES}"
    )
    return diagnostics.REHEARSAL_FAILED.at(failure.site.span, message)


def _check(rehearsal: Rehearsal, plan: LintOptions, path: str) -> Iterator[Finding]:
    """Ask every rule; a crash is reported at the start of ``path``."""
    for rule in plan.rules if path else ():
        try:
            with timed(rule.id):
                yield from findings_of(rule, rehearsal, plan.settings)
        except Exception as error:
            message = (
                f"Rule `{rule.id}` stopped with {diagnostics.describe(error)}, so its findings are"
                f" not complete; please report this at {ISSUES}"
            )
            yield diagnostics.RULE_CRASHED.at(diagnostics.start_of(path), message)


def findings_of(rule: Rule, rehearsal: Rehearsal, settings: Settings) -> Iterator[Finding]:
    """Yield what one rule says of a program, by its graphs and its runs."""
    if rule.graph_check is not None:
        yield from rule.graph_check(rehearsal.graphs)
    if rule.run_check is not None:
        found = [(run, [*rule.run_check(run, settings)]) for run in rehearsal.runs]
        yield from merged_runs(found, rule.holds)


def _place(finding: Finding) -> tuple[str, int, int, str, str]:
    span = finding.span
    return span.path, span.line, span.column, finding.rule, finding.message
