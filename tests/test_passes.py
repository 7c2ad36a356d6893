"""Passes are computed once, timed, and declared by the rules that read them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bnlint import pages, registry
from bnlint.facts.passes.model_graphs.layout import axes_of
from bnlint.facts.passes.model_graphs.values_per_channel import populations
from bnlint.facts.passes.once import Pass, forget
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.lint import engine, program
from bnlint.stopwatch import stopwatch, timed
from tests.conftest import Run
from tests.rehearsing import graph, rehearse

CASES = Path(__file__).parent / "cases"
ONLY_TRACED = ("BN216",)
"""Rules that have nothing to ask where no model was traced."""
CODE = "import torch\nfrom torch import nn\nmodel = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))\n"


@contextmanager
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Pass[Any, Any]]]:
    """The passes that are asked for meanwhile, without those that passes ask for."""
    found: set[Pass[Any, Any]] = set()
    depth = [0]
    original = Pass.__call__

    def recorded(self: Pass[Any, Any], subject: Any) -> Any:
        if depth[0] == 0:
            found.add(self)
        depth[0] += 1
        try:
            return original(self, subject)
        finally:
            depth[0] -= 1

    with monkeypatch.context() as patch:
        patch.setattr(Pass, "__call__", recorded)
        yield found


@cache
def rehearsals(rule_id: str) -> tuple[Rehearsal, ...]:
    texts = pages.text(rule_id), (CASES / f"{rule_id}.md").read_text(encoding="utf-8")
    blocks = [block for text in texts for block in pages.parse(text).examples]
    return tuple(rehearse(block.code) for block in blocks if block.trace is None)


@pytest.mark.parametrize("rule_id", registry.rules())
def test_a_rule_declares_the_passes_that_it_asks_for(
    rule_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = registry.rules()[rule_id]
    with asked(monkeypatch) as found:
        for rehearsal in rehearsals(rule_id):
            list(program.findings_of(rule, rehearsal, engine.default_plan().settings))
    declared = {one.name for one in rule.reads}
    if rule_id in ONLY_TRACED:
        assert declared and not found
    else:
        assert {one.name for one in found} == declared


def test_a_pass_is_computed_once_for_each_graph() -> None:
    calls = []

    @Pass
    def number_of_layers(model: Any) -> int:
        calls.append(model)
        return len(model.layers)

    one, other = graph(rehearse(CODE), "Sequential"), graph(rehearse(CODE), "Sequential")
    assert number_of_layers(one) == number_of_layers(one) == number_of_layers(other)
    assert calls == [one, other]
    forget(one)
    assert number_of_layers(one) == number_of_layers(other)
    assert calls == [one, other, one]


def test_a_pass_is_timed_by_its_name_and_without_those_that_it_asks_for() -> None:
    model = graph(rehearse(CODE), "Sequential")
    with stopwatch() as seconds, timed("everything"):
        populations(model)
        populations(model)
    assert set(seconds) == {"everything", "populations", "axes_of"}
    with stopwatch() as seconds:
        axes_of(model)
    assert seconds == {}  # it was known


def test_nothing_is_measured_by_default() -> None:
    with stopwatch() as seconds:
        pass
    with timed("later"):
        pass
    assert seconds == {}


def test_what_is_timed_within_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 5.0, 7.0])
    monkeypatch.setattr("bnlint.stopwatch.perf_counter", lambda: next(clock))
    with stopwatch() as seconds, timed("outer"), timed("inner"):
        pass
    assert seconds == {"outer": 3.0, "inner": 4.0}


def test_the_command_line_says_what_takes_how_long(project: Any, run: Run) -> None:
    project({"train.py": CODE})
    printed = run("train.py", "--timings")
    lines = [line.split(" ms  ") for line in printed.err.splitlines()]
    names = [name for _, name in lines]
    assert {"reading files", "rehearsing", "BN205", "momentum_settings"} <= set(names)
    spent = [float(number) for number, _ in lines]
    assert spent == sorted(spent, reverse=True)
    assert run("train.py").err == ""
    assert run("train.py").out == printed.out
