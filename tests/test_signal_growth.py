"""Linear and geometric growth of a signal are told apart."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.facts.passes.initial_signal.signal_growth import (
    FEWEST_BLOCKS,
    GEOMETRIC,
    LINEAR,
    Growth,
    explosion,
    growths,
    is_reset,
    overflow,
)
from tests.signals import blocks, geometric, linear, signal


@given(
    number=st.integers(4, 700),
    slope=st.floats(1e-3, 1e3),
    start=st.floats(1e-3, 1e3),
)
def test_linear_growth_at_most_doubles_in_the_second_half(
    number: int, slope: float, start: float
) -> None:
    growth = Growth(blocks(linear(number, slope, start)))
    assert 1 <= growth.late <= 2
    assert 1 <= growth.steady <= LINEAR
    assert not growth.is_explosion


@given(number=st.integers(FEWEST_BLOCKS, 300), factor=st.floats(1.01, 3))
def test_geometric_growth_explodes_where_the_second_half_shows_it(
    number: int, factor: float
) -> None:
    growth = Growth(blocks(geometric(number, factor)))
    assert growth.factor == pytest.approx(factor)
    assert growth.late == pytest.approx(factor ** (number // 2))
    assert growth.is_explosion == (min(growth.late, growth.steady) >= GEOMETRIC)


@pytest.mark.parametrize("power", [2, 3])
def test_squares_and_cubes_are_no_explosion(power: int) -> None:
    assert explosion(signal([float((index + 1) ** power) for index in range(100)])) is None


def test_few_blocks_tell_nothing() -> None:
    assert explosion(signal(geometric(FEWEST_BLOCKS - 1, 10.0))) is None
    assert explosion(signal(geometric(FEWEST_BLOCKS, 10.0))) is not None


def test_one_jump_is_no_explosion() -> None:
    assert explosion(signal([*linear(12), *(1e6 + value for value in linear(12))])) is None


def test_noise_does_not_hide_an_explosion() -> None:
    noise = random.Random(0)
    variances = [value * noise.uniform(0.6, 1.6) for value in geometric(24, 1.6)]
    assert explosion(signal(variances)) is not None


def test_noise_makes_no_explosion_of_linear_growth() -> None:
    for seed in range(200):
        noise = random.Random(seed)
        variances = [value * noise.uniform(0.8, 1.25) for value in linear(8)]
        assert explosion(signal(variances)) is None


def test_stages_that_start_anew_are_runs_of_their_own() -> None:
    found = signal([*linear(3), *linear(4)], stages={3: 2})
    assert [len(growth.blocks) for growth in growths(found)] == [3, 4]
    assert [is_reset(found, block) for block in found.blocks] == [False] * 3 + [True] + [False] * 3


def test_the_shortest_stage_with_batchnorm_is_reset() -> None:
    found = signal([*linear(2), *linear(2)], stages={2: 2})
    assert is_reset(found, found.blocks[2])


def test_a_transition_that_keeps_the_variance_ends_no_run() -> None:
    found = signal(geometric(20, 1.8), stages={10: 2})
    growth = explosion(found)
    assert growth is not None
    assert len(growth.blocks) == 20


def test_an_explosion_within_a_stage_counts_though_the_next_is_reset() -> None:
    growth = explosion(signal([*geometric(12, 2.0), *linear(30)], stages={12: 2}))
    assert growth is not None
    assert growth.total == 2.0**11


def test_parallel_branches_are_runs_of_their_own() -> None:
    made = list(blocks(linear(6)))
    from dataclasses import replace

    made[3] = replace(made[3], previous=0)
    found = replace(signal([]), blocks=tuple(made))
    names = [[block.name for block in growth.blocks] for growth in growths(found)]
    assert names == [
        ["blocks.0", "blocks.1", "blocks.2"],
        ["blocks.0", "blocks.3", "blocks.4", "blocks.5"],
    ]


@pytest.mark.parametrize("broken", [math.inf, math.nan])
def test_growth_is_judged_up_to_the_overflow(broken: float) -> None:
    found = signal([*geometric(16, 100.0), broken, broken])
    growth = explosion(found)
    assert growth is not None
    assert len(growth.blocks) == 16
    first = overflow(found)
    assert first is not None
    assert first.name == "blocks.16"


def test_an_overflow_alone_is_no_explosion() -> None:
    assert explosion(signal([*linear(12), math.nan])) is None


def test_decay_is_the_opposite() -> None:
    (growth,) = growths(signal(geometric(16, 0.6)))
    assert growth.is_decay
    assert not Growth(blocks(linear(16)[::-1])).is_explosion
