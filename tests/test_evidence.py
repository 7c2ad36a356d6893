"""The notes of a finding: where values come from, then what happens in order of time, all in user code."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf

import pytest

from bnlint.facts.types.graph import ModelGraph
from bnlint.facts.types.run import Forward, ModelBuilt, ModeSwitched, Run
from bnlint.finding import Evidence, Finding
from bnlint.lint import engine
from bnlint.lint.engine import Result
from tests.test_pages import CASES, FILES, PAGES, rule_of

Moments = Mapping[int, Sequence[float]]
"""When each line of an example is come to."""

LAST = (
    "and here",
    "parameters are frozen here, too",
    "biases are read here: this one would be missing, if it is among them",
    "this decides whether the norm is there",
    "parameters are told apart by their order here, and later ones would shift",
    "returns depends on the mode here",
)
"""What may follow outside of the order of time: further places, and what a remedy has to look after."""


def moments_of(run: Run) -> Moments:
    """When a run comes to each line: calls before what happens in them, a graph's calls in a forward."""
    found: dict[int, list[float]] = defaultdict(list)
    entered: set[int] = set()
    for event in run.events:
        for depth, frame in enumerate(event.context.frames):
            if frame.call is not None and id(frame) not in entered:
                entered.add(id(frame))
                found[frame.call.span.line].append(event.order - 0.5 + depth / 1000)
        found[event.site.span.line].append(event.order)
        match event:
            case Forward(model=model, attacked_at=attacked):
                _add_calls(found, run.read.get(model.identity), event.order)
                if attacked is not None:
                    found[attacked.span.line].append(event.order + 0.5)
            case ModelBuilt(model=model) | ModeSwitched(model=model) if model.site is not None:
                for site in (model.site, *(layer.site for layer in model.batch_norms)):
                    found[site.span.line].append(event.order - 0.1)
    for graph in run.read.values():
        _add_calls(found, graph, inf)
    return {line: sorted(orders) for line, orders in found.items()}


def _add_calls(found: dict[int, list[float]], graph: ModelGraph | None, start: float) -> None:
    for number, call in enumerate(graph.calls if graph is not None else ()):
        if call.site is not None:
            found[call.site.span.line].append(start + number / 1e6)


def in_order(notes: Sequence[Evidence], moments: Moments) -> bool:
    """Whether there is a moment for each note that is not before that of the one above it."""
    now = -inf
    for note in notes:
        later = [moment for moment in moments[note.span.line] if moment >= now]
        if not later:
            return False
        now = later[0]
    return True


def is_last(note: Evidence) -> bool:
    return note.message.endswith(LAST)


def timed(finding: Finding, runs: Sequence[Moments]) -> Sequence[Evidence]:
    return [
        note
        for note in finding.evidence
        if not is_last(note) and any(note.span.line in moments for moments in runs)
    ]


def linted() -> list[object]:
    names = [f"{'cases/' if path in CASES else ''}{path.stem}" for path in FILES]
    return [pytest.param(path, id=name) for path, name in zip(FILES, names, strict=True)]


def results(path: object) -> Iterator[tuple[str, Result]]:
    for example in PAGES[path].of("Bad"):  # type: ignore[index]
        if example.trace is None:
            plan = engine.default_plan([rule_of(path)])  # type: ignore[arg-type]
            yield example.code, engine.lint([engine.example(example.code)], plan)


@pytest.mark.parametrize("path", linted())
def test_notes_are_in_order(path: object) -> None:
    for code, result in results(path):
        runs = [moments_of(run) for run in result.runs]
        for finding in result.findings:
            notes = timed(finding, runs)
            told = [(note.span.line, note.message) for note in finding.evidence]
            known = [m for m in runs if all(note.span.line in m for note in notes)]
            assert not notes or any(in_order(notes, moments) for moments in known), (code, told)
            sources = [n for n in finding.evidence if n not in notes and not is_last(n)]
            assert [*sources, *notes] == [note for note in finding.evidence if not is_last(note)], (
                code,
                told,
            )


@pytest.mark.parametrize("path", linted())
def test_notes_say_something_of_a_line(path: object) -> None:
    for code, result in results(path):
        lines = code.splitlines()
        for finding in result.findings:
            told = [(note.span, note.message) for note in finding.evidence]
            assert len(told) == len(set(told)), told
            for note in finding.evidence:
                assert note.span.path == "example.py"
                assert lines[note.span.line - 1].strip(), (code, note)
                assert note.message
