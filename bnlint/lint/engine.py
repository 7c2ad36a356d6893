"""From files to findings: program by program, ask every rule, leave out what is ignored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint import registry
from bnlint.errors import UsageError
from bnlint.facts.types.account import Account, together
from bnlint.finding import Applicability, Finding
from bnlint.immutable import immutable
from bnlint.lint import relevance, selection
from bnlint.lint.files import LintTarget
from bnlint.lint.fixer import Settled, settle
from bnlint.lint.garbage_collection import without_collection
from bnlint.lint.job import Job, Outcome, Progress, Trace
from bnlint.lint.partition import programs
from bnlint.lint.selection import LintOptions, Sifted
from bnlint.lint.workers import Workers, in_this_process, remembering
from bnlint.registry import RuleChoice
from bnlint.rule import Rule
from bnlint.source import Project, TextFile
from bnlint.stopwatch import timed

if TYPE_CHECKING:
    from bnlint.facts.types.graph import ModelGraph
    from bnlint.facts.types.invocation import Refusal
    from bnlint.facts.types.run import Run
    from bnlint.lint.trace_program import Attempt
    from bnlint.source import SourceFile


@immutable
class Result:
    """What one lint found, in order of path and place.

    ``sources`` are all files that were read, by their display paths; ``texts`` also has what could
    be decoded of unreadable ones. ``checked`` counts the files that were asked for. ``attempts`` are
    the models that were traced or not, ``added`` the findings that reading alone did not give;
    ``None`` where nothing was read. ``notes`` are what else the user should know of the run,
    ``account`` is what was understood of the program, where one was read, ``runs`` are what it does,
    ``graphs`` its models.
    ``every`` has also what a baseline keeps from being told, and each place of a finding by itself.
    """

    findings: tuple[Finding, ...]
    sources: Mapping[str, TextFile]
    texts: Mapping[str, str]
    checked: int
    attempts: tuple["Attempt", ...] = ()
    added: tuple[Finding, ...] | None = ()
    notes: tuple[str, ...] = ()
    account: Account | None = None
    runs: "tuple[Run, ...]" = ()
    graphs: "tuple[ModelGraph, ...]" = ()
    every: tuple[Finding, ...] = ()


@without_collection()
def lint(
    files: Sequence[LintTarget],
    plan: LintOptions,
    progress: Progress | None = None,
    overrides: Mapping[Path, "SourceFile"] | None = None,
    trace: Trace | None = None,
    workers: Workers = in_this_process,
    parsed: Mapping[Path, "SourceFile"] | None = None,
) -> Result:
    """Lint files together: what imports connect counts as one program.

    ``overrides`` are texts that replace those on disk, ``parsed`` others that are known as they are
    there. ``trace`` also builds the models and traces them, which runs their code. ``workers`` lint
    the programs; only ``runs`` and ``graphs``, which stay where they were made, depend on them.

    Raises:
        UsageError: a script does not take the arguments that it is called with.
    """
    jobs = _jobs(files, plan, overrides or {}, parsed or {})
    outcomes = [*workers(jobs, progress, trace)]
    for refusal in (refusal for outcome in outcomes for refusal in outcome.refusals):
        raise UsageError(_refused(refusal))
    sources = {file.path: file for outcome in outcomes for file in outcome.files}
    found = [finding for outcome in outcomes for finding in outcome.findings]
    added = frozenset[Finding]().union(*(outcome.added for outcome in outcomes))
    undecoded = {path: text for outcome in outcomes for path, text in outcome.texts.items()}
    sifted = _sifted(found, sources, files, plan)
    return Result(
        findings=sifted.findings,
        every=sifted.every,
        sources=sources,
        texts=undecoded | {path: file.content for path, file in sources.items()},
        checked=len(files),
        attempts=tuple(attempt for outcome in outcomes for attempt in outcome.attempts),
        added=tuple(finding for finding in sifted.findings if finding in added),
        notes=(*_unread(outcomes, plan, sources), *_gone(sifted.every, sources, plan)),
        account=together(outcome.account for outcome in outcomes) if sources else None,
        runs=tuple(run for outcome in outcomes for run in outcome.runs),
        graphs=tuple(graph for outcome in outcomes for graph in outcome.graphs),
    )


def _jobs(
    files: Sequence[LintTarget],
    plan: LintOptions,
    overrides: Mapping[Path, "SourceFile"],
    parsed: Mapping[Path, "SourceFile"],
) -> list[Job]:
    """A job for each program among the files that can matter.

    A program may read files that its text does not name, so each gets all overrides.
    """
    with timed("finding programs"):
        matter = sorted(relevance.relevant(files), key=lambda target: target.path)
        known = {**parsed, **overrides}
        found = programs(matter, known)
    return [
        Job(
            program.targets,
            tuple(plan.rules),
            plan.settings,
            {file: one for file, one in known.items() if file in program.files},
            {file: one for file, one in overrides.items() if file not in program.files},
            program.files,
            {file: calls for file, calls in plan.calls.items() if file in program.files},
        )
        for program in found
    ]


def _sifted(
    found: Sequence[Finding],
    sources: Mapping[str, TextFile],
    files: Sequence[LintTarget],
    plan: LintOptions,
) -> Sifted:
    asked = {target.path for target in files}
    given = {path for path, file in sources.items() if file.file in asked}
    return selection.sift(found, sources, given, plan)


def _gone(
    every: Sequence[Finding], sources: Mapping[str, TextFile], plan: LintOptions
) -> list[str]:
    """A note on problems of the baseline that are no longer there."""
    number = plan.baseline.gone(every, sources) if plan.baseline is not None else 0
    if plan.baseline is None or not number:
        return []
    gone = "1 problem is" if number == 1 else f"{number} problems are"
    return [f"{gone} gone that `{plan.baseline.file}` has: --write-baseline writes it anew"]


def _refused(refusal: "Refusal") -> str:
    """What a script says of its arguments, and where they were given."""
    call = refusal.invocation
    if not call.origin:
        return f"{refusal.message} (says `{refusal.script}`)"
    return f"`{refusal.script} {call}` in `runs` of {call.origin}: {refusal.message}"


def _unread(
    outcomes: Iterable[Outcome], plan: LintOptions, sources: Mapping[str, TextFile]
) -> list[str]:
    """Notes on calls whose arguments make no difference."""
    rehearsed = {file.file for file in sources.values()}
    unread = [call for outcome in outcomes for call in outcome.unread]
    unread += [c for file, own in plan.calls.items() if file not in rehearsed for c in own]
    return [
        f"nothing that was understood of the script reads the arguments `{call}` ({call.source})"
        for call in unread
    ]


def fix(
    files: Sequence[LintTarget],
    plan: LintOptions,
    allowed: Collection[Applicability],
    progress: Progress | None = None,
    trace: Trace | None = None,
    workers: Workers = in_this_process,
) -> Settled[Result]:
    """Lint and fix in memory until nothing changes; writing is up to the caller."""
    from bnlint.source import SourceFile

    unchanged: dict[Path, SourceFile] = {}
    workers = remembering(workers)

    def once(texts: Mapping[Path, SourceFile]) -> Result:
        result = lint(files, plan, progress, texts, trace, workers, unchanged)
        for file in result.sources.values():
            if isinstance(file, SourceFile):
                unchanged.setdefault(file.file, file)
        return result

    return settle(once, allowed)


def lint_models(attempts: Sequence["Attempt"], project: Project, plan: LintOptions) -> Result:
    """Lint the graphs of traced models by themselves."""
    from bnlint.facts.types.graph import Graphs
    from bnlint.facts.types.rehearsal import Rehearsal
    from bnlint.lint.program import said_by

    graphs = Graphs(attempt.graph for attempt in attempts if attempt.graph is not None)
    crashed = attempts[0].span.path if attempts else ""
    found = [*said_by(plan.rules, Rehearsal(graphs, ()), plan.settings, crashed)] if crashed else []
    found += [finding for attempt in attempts for finding in attempt.findings()]
    sources = {file.path: file for file in project.files}
    findings = selection.sift(found, sources, (), plan).findings
    texts = {path: file.content for path, file in sources.items()}
    return Result(findings, sources, texts, len(attempts), tuple(attempts), None)


def lint_text(text: str, name: str = "example.py", rules: Iterable[Rule] = ()) -> list[Finding]:
    """Lint one text with the default rules and ``rules``; it imports nothing of a project."""
    return list(lint([example(text, name)], default_plan(rules)).findings)


def default_plan(rules: Iterable[Rule] = ()) -> LintOptions:
    """Return a plan of the default rules and ``rules``."""
    asked = tuple(rule.id for rule in rules)
    return LintOptions(registry.chosen(RuleChoice(extend_select=asked), RuleChoice()))


def example(text: str, name: str = "example.py") -> LintTarget:
    """Return a text as a file in a folder of its own."""
    path = Path("/bnlint-example") / name
    return LintTarget(path, named=True, content=text.encode("utf-8"), display=name)
