"""Tracing the models that the rehearsal saw being built, and what came of each."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bnlint.diagnostics import NOT_TRACED, describe
from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.recipe import Recipe, missing, renumbered
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.site import Site
from bnlint.finding import Evidence, Finding, Span
from bnlint.immutable import immutable
from bnlint.source import Project, SourceFile, Unreadable
from bnlint.source.decoding import decode_file
from bnlint.source.regular import read_bytes
from bnlint.tracer.building.recipe_json import to_json
from bnlint.tracer.child.protocol import Failure, JobAnswer
from bnlint.tracer.graphs.constructor_sites import PlacedNodes
from bnlint.tracer.graphs.model_graphs import model_graph
from bnlint.tracer.record.records import TraceRecord
from bnlint.vocabulary.packages import is_library

Ask = Callable[[Mapping[str, object]], JobAnswer]
"""Lets the child process do a job."""


_TOO_LATE = "the models before it took more than {:g} s together (--total-timeout)"


@immutable
class Attempt:
    """What came of tracing one model.

    ``span`` is where it is built. Without a ``graph``, ``failure`` says why there is none, and
    ``place`` where in the user's code. ``refused`` is what its code was not allowed to do, ``lacks``
    which limits this machine could not set.
    """

    name: str
    span: Span
    graph: ModelGraph | None = None
    record: TraceRecord | None = None
    failure: str = ""
    place: Site | None = None
    refused: tuple[tuple[str, Site | None], ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the whole model was traced."""
        return self.graph is not None and self.graph.complete

    def findings(self) -> Iterator[Finding]:
        """What users must know of it: that it was not traced, or not as a whole."""
        if self.graph is None:
            yield self._finding(f"`{self.name}` was not traced: {self.failure}", self.place)
            return
        for problem in self.graph.problems[:1]:
            message = f"Only a part of `{self.name}` was traced: {problem}{self._guess()}"
            yield self._finding(message, None)

    def _guess(self) -> str:
        """A word on the input where nobody gave it and it may be the wrong one."""
        if self.record is None or not self.record.guessed:
            return ""
        inputs = " and ".join(self.record.inputs)
        return f"; its input, {inputs}, was guessed: `bnlint trace` takes another with --input"

    def _finding(self, message: str, place: Site | None) -> Finding:
        evidence = [Evidence(site.span, what) for what, site in self.refused if site is not None]
        if place is not None and all(place.span != item.span for item in evidence):
            evidence.insert(0, Evidence(place.span, "it stopped here"))
        found = NOT_TRACED.at(self.span, message)
        return replace(found, evidence=tuple(evidence))


@immutable
class Traced:
    """A rehearsal whose graphs are the traced ones where there are any, and what came of each."""

    rehearsal: Rehearsal
    attempts: tuple[Attempt, ...]


@dataclass(slots=True)
class Tracer:
    """Traces models in a child process; equal recipes only once.

    After ``seconds`` of the clock no further one is begun.
    """

    ask: Ask
    seconds: float = math.inf
    _answers: dict[str, JobAnswer] = field(default_factory=dict)
    _used: float = 0.0

    def __call__(self, rehearsal: Rehearsal, project: Project) -> Traced:
        """Trace each model that the program builds."""
        attempts: dict[ModelGraph, Attempt] = {}
        for graph, recipe in rehearsal.recipes.items():
            reason = missing(recipe)
            if reason is None:
                script = rehearsal.scripts.get(graph)
                attempt = self._attempt(graph, recipe, project, script)
            else:
                attempt = Attempt(graph.name, graph.site.span, failure=reason)
            if attempt.complete or graph not in rehearsal.unreached:
                attempts[graph] = attempt  # the program may well build others in another way
        return Traced(_completed(rehearsal, attempts), tuple(_each_once(attempts.values())))

    def _attempt(
        self, graph: ModelGraph, recipe: Recipe, project: Project, script: str | None
    ) -> Attempt:
        file = _file_of(graph, project) if script is None else Path(script)
        job = {
            "build": {"recipe": to_json(renumbered(recipe)), "texts": _unsaved(project)},
            "home": str(file.parent),
            "argv0": str(file),
        }
        answer = self._answer(job)
        return attempt_of(answer, graph.name, graph.site.span, project, read=graph)

    def _answer(self, job: Mapping[str, object]) -> JobAnswer:
        key = repr(job)
        if key not in self._answers:
            if self._used > self.seconds:
                return JobAnswer(failure=Failure(_TOO_LATE.format(self.seconds)))
            started = time.monotonic()
            self._answers[key] = self.ask(job)
            self._used += time.monotonic() - started
        return self._answers[key]


def _each_once(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    """Leave out what one line gives when it is executed again."""
    seen = set()
    for attempt in attempts:
        key = (attempt.name, attempt.span, attempt.failure, id(attempt.record))
        if key not in seen:
            seen.add(key)
            yield attempt


def _file_of(graph: ModelGraph, project: Project) -> Path:
    """The file that a model is built in."""
    files = (source.file for source in project.files if source.path == graph.site.path)
    return next(files, Path(graph.site.path).absolute())


def _unsaved(project: Project) -> dict[str, str]:
    """The texts that are not, or not yet, those on disk: while fixes are tried."""
    return {str(file.file): file.content for file in project.overrides if not _is_saved(file)}


def _is_saved(file: SourceFile) -> bool:
    try:
        return decode_file(read_bytes(file.file), file.file).text == file.content
    except (OSError, Unreadable):
        return False


def attempt_of(
    answer: JobAnswer,
    name: str,
    span: Span,
    project: Project,
    read: ModelGraph | None = None,
) -> Attempt:
    """What an answer of the child means for the files of a project."""
    places = PlacedNodes(project)
    refused = tuple((one.what, places.around(one.place)) for one in answer.refused)
    if answer.trace is None:
        failure = answer.failure.reason if answer.failure else "it gave no answer"
        place = places.around(answer.failure.place) if answer.failure else None
        return Attempt(name, span, None, None, failure, place, refused, answer.lacks)
    try:
        graph = model_graph(answer.trace, project, read=read)
    except Exception as error:  # the model's code may have written the trace
        failure = f"no model is as it tells: {describe(error)}"
        return Attempt(name, span, None, None, failure, None, refused, answer.lacks)
    built = graph.site.span if read is None else span
    return Attempt(graph.name, built, graph, answer.trace, refused=refused, lacks=answer.lacks)


def _completed(rehearsal: Rehearsal, attempts: Mapping[ModelGraph, Attempt]) -> Rehearsal:
    """The rehearsal with the graphs of models that were traced as a whole."""
    found = {graph: attempt.graph for graph, attempt in attempts.items()}
    graphs = Graphs(_better(graph, found.get(graph)) for graph in rehearsal.graphs)
    traced = {graph.identity: graph for graph in found.values() if graph is not None}
    runs = tuple(replace(run, traced=traced) for run in rehearsal.runs)
    return replace(rehearsal, graphs=graphs, runs=runs)


def _better(read: ModelGraph, traced: ModelGraph | None) -> ModelGraph:
    return read if traced is None or not traced.complete else traced


def merged(
    read: Sequence[Finding], traced: Sequence[Finding]
) -> tuple[list[Finding], set[Finding]]:
    """All findings of both, and those that reading alone did not give.

    Of one problem that both found, what tracing says of it stays. Files of installed packages are
    nobody's to change.
    """
    own = [finding for finding in traced if not is_library(finding.span.path)]
    by_place = {_place(finding): finding for finding in own}
    about = {_subject(finding) for finding in read}
    found = [by_place.get(_place(finding), finding) for finding in read]
    known = {_place(finding) for finding in read}
    added = [f for f in own if _place(f) not in known and _subject(f) not in about]
    return [*found, *added], set(added)


def _place(finding: Finding) -> tuple[str, Span]:
    return finding.rule, finding.span


def _subject(finding: Finding) -> tuple[str, str, str]:
    """What a finding is about, wherever it is shown."""
    about = finding.layer or f"{finding.span.line}:{finding.span.column}"
    return finding.rule, finding.span.path, about
