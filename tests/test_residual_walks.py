"""Looking for residual additions costs little in long forwards, and leaves none out."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.facts.types import graph as graphs
from bnlint.facts.types.forks import paths_from_fork
from tests.rehearsing import graph, rehearse

DECODER = """
class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.memory = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        kept = self.memory(x)
        h = x
        for step in range({steps}):
            h = torch.tanh(self.cell(h) + self.memory({kept}.relu()))
        return {end}

Decoder()(torch.randn(4, 8))
"""

flows = st.lists(st.lists(st.integers(0, 40), max_size=3), min_size=3, max_size=40).map(
    lambda rows: [tuple(n for n in row if n < index) for index, row in enumerate(rows)]
)


@given(flows, st.lists(st.integers(0, 2), min_size=40, max_size=40), st.data())
def test_a_walk_ends_early_only_where_both_paths_weigh_too_much(
    inputs: Sequence[Sequence[int]], weights: list[int], data: st.DataObject
) -> None:
    ends = st.integers(0, len(inputs) - 1)
    left, right = data.draw(ends), data.draw(ends)
    whole = paths_from_fork(inputs, left, right)
    loads = [sum(weights[index] for index in path) for path in whole[1:]]
    short = paths_from_fork(inputs, left, right, weights, 1)
    too_heavy = whole[0] is not None and min(loads) > 1
    assert short == ((None, (), ()) if too_heavy else whole)


def test_a_sum_that_a_loop_repeats_is_walked_back_from_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walked: list[int] = []

    def counting(*given: object) -> tuple[int | None, tuple[int, ...], tuple[int, ...]]:
        fork, *paths = paths_from_fork(*given)  # type: ignore[arg-type]
        walked.append(sum(map(len, paths)))
        return fork, *paths  # type: ignore[return-value]

    monkeypatch.setattr(graphs, "paths_from_fork", counting)
    monkeypatch.setattr(graphs, "LONG_WALK", 100)
    found = graph(rehearse(DECODER.format(steps=100, kept="(kept * step)", end="h")), "Decoder")
    assert len(found.calls) > 400
    assert found.residuals == ()
    assert sum(walked) < 6 * len(found.calls)


@pytest.mark.parametrize("kept", ["kept", "(kept * step)"])
def test_a_shortcut_around_a_long_loop_is_found(kept: str) -> None:
    found = graph(rehearse(DECODER.format(steps=100, kept=kept, end="x + h")), "Decoder")
    assert len(found.residuals) == 1


def test_passes_that_do_not_ask_which_they_are_are_not_followed_one_by_one() -> None:
    few, many, more = (
        graph(rehearse(DECODER.format(steps=steps, kept="kept", end="h")), "Decoder")
        for steps in (60, 100, 1000)
    )
    assert len(few.calls) > 240
    assert len(many.calls) == len(more.calls) < 20
