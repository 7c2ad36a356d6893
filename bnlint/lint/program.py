"""One program, from its files to what every rule says of it; nothing is left out yet."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bnlint import diagnostics
from bnlint.facts.passes.accounting import account_of
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.rehearsal import Rehearsal, RehearsalFailure
from bnlint.finding import Finding
from bnlint.lint import loading
from bnlint.lint.job import Job, Outcome, Progress, Trace
from bnlint.lint.merge_runs import merged_runs
from bnlint.rule import Rule, Settings
from bnlint.source import Project
from bnlint.stopwatch import timed
from bnlint.urls import ISSUES
from bnlint.visible import display_path
from bnlint.vocabulary.packages import is_library

if TYPE_CHECKING:
    from bnlint.lint.trace_program import Traced
    from bnlint.source import SourceFile

_NOTHING = Rehearsal(Graphs(), ())


def lint_program(job: Job, progress: Progress | None = None, trace: Trace | None = None) -> Outcome:
    """Read a program, rehearse it and ask every rule.

    ``trace`` also builds the models and traces them, which runs their code.
    """
    with timed("reading files"):
        opened = loading.read_all(job.targets, job.overrides)
    own = dict(job.overrides) | {file.file: file for file in opened.files}
    project = Project(own, job.elsewhere)
    with timed("rehearsing"):
        rehearsal = _rehearsed(opened.files, project, progress, job, recipes=trace is not None)
    first = opened.files[0].path if opened.files else ""
    found = [*map(_failed, rehearsal.failures), *_check(rehearsal, job, first)]
    traced = _traced(trace, rehearsal, project)
    added: frozenset[Finding] = frozenset()
    if traced is not None:
        found, added = _with_traced(found, traced, job, first)
    _note_unreadable_imports(opened, project)
    return Outcome(
        findings=(*opened.findings, *found),
        files=tuple({file.path: file for file in (*project.files, *opened.files)}.values()),
        texts=opened.texts,
        account=account_of(rehearsal),
        refusals=rehearsal.refusals,
        unread=rehearsal.unread,
        attempts=traced.attempts if traced is not None else (),
        added=added,
        runs=rehearsal.runs,
        graphs=(traced.rehearsal if traced is not None else rehearsal).graphs,
        lookups=project.lookups(),
    )


def _rehearsed(
    files: "list[SourceFile]",
    project: Project,
    progress: Progress | None,
    job: Job,
    *,
    recipes: bool,
) -> Rehearsal:
    """What a program does; where there is none, the interpreter is not even imported."""
    if not files:
        return _NOTHING
    from bnlint.interpreter import rehearse

    return rehearse(files, project, progress, recipes=recipes, calls=job.calls)


def _traced(trace: Trace | None, rehearsal: Rehearsal, project: Project) -> "Traced | None":
    if trace is None:
        return None
    with timed("tracing"):
        return trace(rehearsal, project)


def _with_traced(
    found: list[Finding], traced: "Traced", job: Job, path: str
) -> tuple[list[Finding], frozenset[Finding]]:
    """All findings, with those that the traced models add, and these alone."""
    from bnlint.lint.trace_program import merged

    every, added = merged(found, [*_check(traced.rehearsal, job, path)])
    return [*every, *(f for attempt in traced.attempts for f in attempt.findings())], frozenset(
        added
    )


def _note_unreadable_imports(opened: loading.Opened, project: Project) -> None:
    for file, error in project.unreadable.items():
        if not is_library(str(file)):
            opened.note_unreadable(file, display_path(file), error)


def _failed(failure: RehearsalFailure) -> Finding:
    message = (
        f"Reading what `{failure.entry}` does stopped with {failure.reason}, so what follows there"
        f" was not checked; please report this at {ISSUES}"
    )
    return diagnostics.REHEARSAL_FAILED.at(failure.site.span, message)


def _check(rehearsal: Rehearsal, job: Job, path: str) -> Sequence[Finding]:
    if not path:
        return ()
    return _once([*said_by(job.rules, rehearsal, job.settings, path)], job.rules)


def _once(found: Sequence[Finding], rules: Iterable[Rule]) -> Sequence[Finding]:
    """The findings without those of whose place, or evidence, another rule says more."""
    others = {rule.id: rule.instead_of for rule in rules if rule.instead_of}
    told = {
        (other, span)
        for finding in found
        for other in others.get(finding.rule, ())
        for span in (finding.span, *(item.span for item in finding.evidence))
    }
    return [finding for finding in found if (finding.rule, finding.span) not in told]


def said_by(
    rules: Iterable[Rule], rehearsal: Rehearsal, settings: Settings, path: str
) -> Iterator[Finding]:
    """Ask every rule; a crash is reported at the start of ``path``."""
    for rule in rules:
        try:
            with timed(rule.id):
                yield from findings_of(rule, rehearsal, settings)
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
