"""What tracing makes of answers of the child, without a child."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bnlint import interpreter
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.finding import Finding, Severity, Span
from bnlint.lint import engine, trace_program
from bnlint.lint.trace_program import Tracer, merged
from bnlint.report.traces import traces
from bnlint.source import Project, parse_text
from bnlint.style import Style
from bnlint.tracer.child.protocol import Failure, GuardRefusal, JobAnswer
from bnlint.tracer.record.records import LayerRecord, TracePlace, TraceRecord

SPAN = Span("net.py", 5, 9, 2, 1, 2, 5)
CODE = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x):
        return self.bn(x)


one, two = Net(), Net()
other = Net(8)
"""


def finding(rule: str = "BN201", span: Span = SPAN, **changes: object) -> Finding:
    made = Finding(rule, "name", Severity.ADVICE, "read", span)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_what_both_found_is_said_once_and_as_tracing_says_it() -> None:
    found, added = merged([finding()], [finding(message="traced")])
    assert [each.message for each in found] == ["traced"]
    assert not added


def test_what_only_one_found_is_kept() -> None:
    later = finding(span=replace(SPAN, line=7, start=50))
    found, added = merged([finding()], [later, finding("BN101")])
    assert found == [finding(), later, finding("BN101")]
    assert added == {later, finding("BN101")}


def test_one_layer_at_two_places_is_one_problem() -> None:
    read = finding(layer="stem.bn")
    found, added = merged([read], [finding(layer="stem.bn", span=replace(SPAN, line=7))])
    assert found == [read]
    assert not added


def test_installed_packages_are_left_alone() -> None:
    span = replace(SPAN, path="/env/lib/python3.11/site-packages/torchvision/models/resnet.py")
    assert merged([], [finding(span=span)]) == ([], set())


class Child:
    """Answers every job with what it was given, and remembers the jobs."""

    def __init__(self, answer: JobAnswer) -> None:
        self.answer = answer
        self.jobs: list[Mapping[str, object]] = []

    def ask(self, job: Mapping[str, object]) -> JobAnswer:
        self.jobs.append(job)
        return self.answer


def rehearsed(tmp_path: Path) -> tuple[Rehearsal, Project]:
    (tmp_path / "net.py").write_text(CODE)
    project = Project()
    file = project.load(tmp_path / "net.py", "net.py")
    return interpreter.rehearse([file], project, recipes=True), project


def test_equal_models_are_traced_once(tmp_path: Path) -> None:
    child = Child(JobAnswer(failure=Failure("no reason")))
    traced = Tracer(child.ask)(*rehearsed(tmp_path))
    assert len(child.jobs) == 2
    assert len(traced.attempts) >= 2
    assert {attempt.failure for attempt in traced.attempts} == {"no reason"}


def test_texts_that_are_not_saved_are_handed_over(tmp_path: Path) -> None:
    child = Child(JobAnswer(failure=Failure("no")))
    rehearsal, project = rehearsed(tmp_path)
    Tracer(child.ask)(rehearsal, project)
    build = child.jobs[0]["build"]
    assert isinstance(build, dict)
    assert build["texts"] == {}
    changed = parse_text(CODE + "\n# changed", "net.py", tmp_path / "net.py")
    project = Project({changed.file: changed})
    Tracer(child.ask)(interpreter.rehearse([changed], project, recipes=True), project)
    build = child.jobs[-1]["build"]
    assert isinstance(build, dict)
    assert build["texts"] == {str(changed.file): changed.content}


def test_a_failure_is_reported_with_its_places(tmp_path: Path) -> None:
    file = str(tmp_path / "net.py")
    failure = Failure("ValueError: odd", TracePlace(file, 6, 6, 8, 26, "__init__"))
    refused = (
        GuardRefusal("opening a socket is refused", TracePlace(file, 7, 7)),
        GuardRefusal("no place"),
    )
    traced = Tracer(Child(JobAnswer(failure=failure, refused=refused)).ask)(*rehearsed(tmp_path))
    (found,) = traced.attempts[0].findings()
    assert found.message == "`Net` was not traced: ValueError: odd"
    assert (found.rule, found.severity) == ("BN004", Severity.ADVICE)
    places = [(item.span.line, item.message) for item in found.evidence]
    assert places == [(6, "it stopped here"), (7, "opening a socket is refused")]


@pytest.mark.parametrize(("problems", "replaced"), [((), True), (("lost its way",), False)])
def test_only_whole_traces_replace_what_was_read(
    tmp_path: Path, problems: tuple[str, ...], replaced: bool
) -> None:
    layers = (
        LayerRecord("", "torch.nn.Module", "Net"),
        LayerRecord("bn", "torch.nn.BatchNorm2d", "BatchNorm2d", arguments={"num_features": 4}),
    )
    record = TraceRecord("Net", layers, problems=problems, how="meta", never_called=("bn",))
    rehearsal, project = rehearsed(tmp_path)
    traced = Tracer(Child(JobAnswer(trace=record)).ask)(rehearsal, project)
    graphs = [graph for graph in traced.rehearsal.graphs if graph.never_called]
    assert bool(graphs) == replaced
    messages = [f.message for attempt in traced.attempts for f in attempt.findings()]
    assert bool(messages) != replaced
    assert all("Only a part of `Net` was traced: lost its way" in message for message in messages)


def test_a_child_that_finds_nothing_changes_nothing(tmp_path: Path) -> None:
    target = engine.example(CODE + "bad = nn.BatchNorm2d(3, momentum=0.99)\n", "net.py")
    read = engine.lint([target], engine.default_plan())
    child = Child(JobAnswer(failure=Failure("no")))
    traced = engine.lint([target], engine.default_plan(), trace=Tracer(child.ask))
    assert [f.rule for f in read.findings] == ["BN102"]
    assert set(read.findings) < set(traced.findings)
    assert [f.rule for f in traced.findings].count("BN004") == 3
    assert traced.added == ()


def test_what_the_guard_lacks_is_said_once() -> None:
    attempt = trace_program.Attempt("Net", SPAN, failure="no", lacks=("memory is not limited",))
    result = engine.Result((), {}, {}, 1, (attempt, attempt))
    assert traces(result, Style()).count("not guarded: memory is not limited\n") == 1
