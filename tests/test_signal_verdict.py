"""What is said of a signal, case by case."""

import math

import pytest

from bnlint.facts.types.signal import Signal
from bnlint.facts.wording.signal_verdict import SignalPattern, verdict
from tests.signals import geometric, linear, signal

STAGES = {0: 1, 8: 2, 16: 3}
CASES: dict[str, tuple[Signal, SignalPattern, str]] = {
    "nothing": (signal([]), SignalPattern.NOTHING, "no residual additions were found"),
    "an input that does not fit": (
        Signal("Net", ("8x3x8x8 float32",), (), problems=("`pool` failed",)),
        SignalPattern.NOTHING,
        "nothing could be measured",
    ),
    "one value per channel": (
        signal([1.0], samples=1),
        SignalPattern.NOTHING,
        "each channel has only one value in `blocks.0`",
    ),
    "resets": (
        signal([*linear(8)] * 3, stages=STAGES, branch=0.7, expected_branch=0.682),
        SignalPattern.HEALTHY,
        "healthy: the variance grows linearly within the stages and is reset at 2 transitions; the"
        " branches add 0.7 each, where theory gives 0.68",
    ),
    "one reset": (
        signal([*linear(8)] * 2, stages={8: 2}),
        SignalPattern.HEALTHY,
        "healthy: the variance grows linearly within the stages and is reset at 1 transition",
    ),
    "no reset": (
        signal(linear(30)),
        SignalPattern.HEALTHY,
        "healthy: the variance grows linearly over 30 blocks",
    ),
    "flat": (
        signal([1.0] * 12, branch=0.5),
        SignalPattern.HEALTHY,
        "healthy: the variance stays of one size over 12 blocks",
    ),
    "slowing down": (
        signal([math.log(index + 2) for index in range(40)]),
        SignalPattern.HEALTHY,
        "healthy: the variance grows linearly at most over 40 blocks",
    ),
    "explosion": (
        signal(geometric(16, 1.9, start=1.5), normalised=False),
        SignalPattern.EXPLODES,
        "explodes: the variance grows by a factor of 1.9 per block over 16 blocks, from 1.5 in"
        " `blocks.0` to 23000 in `blocks.15`",
    ),
    "overflow of an explosion": (
        signal([*geometric(16, 1e3), math.inf]),
        SignalPattern.EXPLODES,
        "explodes: the variance grows by a factor of 1000 per block over 16 blocks, from 1 in"
        " `blocks.0` to 1e45 in `blocks.15` and overflows in `blocks.16`",
    ),
    "infinite": (
        signal([*linear(5), math.inf]),
        SignalPattern.OVERFLOWS,
        "overflows: values are infinite from `blocks.5` on",
    ),
    "not a number": (
        signal([math.nan]),
        SignalPattern.OVERFLOWS,
        "overflows: values are not a number from `blocks.0` on",
    ),
    "zero": (
        signal([1.0, 0.0]),
        SignalPattern.VANISHES,
        "vanishes: the variance is 0 in `blocks.1`",
    ),
    "decay": (
        signal(geometric(16, 0.5)),
        SignalPattern.VANISHES,
        "vanishes: the variance changes by a factor of 0.5 per block over 16 blocks, from 1 in"
        " `blocks.0` to 3.1e-5 in `blocks.15`",
    ),
    "branches that start at zero": (
        signal([1.0] * 16, branch=0.0, normalised=False, squared_mean=9.0, fades_in=True),
        SignalPattern.IDENTITY,
        "starts as the identity: all 16 branches together add 0.0% of the variance",
    ),
    "layer scale": (
        signal([1.0] * 24, branch=1e-4, fades_in=True),
        SignalPattern.IDENTITY,
        "starts as the identity: all 24 branches together add 0.2% of the variance",
    ),
    "layer scale in a deep network": (
        signal([1.0] * 500, branch=5e-4, fades_in=True),
        SignalPattern.IDENTITY,
        "starts as the identity: all 500 branches together add 25.0% of the variance",
    ),
    "small weights": (
        signal([1.0] * 16, branch=2e-4, normalised=False),
        SignalPattern.STARVED,
        "starved: none of 16 branches adds more than 0.02% of the variance, and neither weights of 0"
        " nor learnt factors are the reason",
    ),
    "small weights in a deep network": (
        signal([1.0] * 500, branch=5e-4, normalised=False),
        SignalPattern.STARVED,
        "starved: none of 500 branches adds more than 0.05% of the variance",
    ),
    "small but not starved": (
        signal([1.0] * 24, branch=2e-3, normalised=False),
        SignalPattern.IDENTITY,
        "starts as the identity: all 24 branches together add 4.8% of the variance",
    ),
    "too short for an explosion": (
        signal(geometric(6, 2.0), normalised=False),
        SignalPattern.FAST,
        "grows faster than linearly: the variance grows by a factor of 2 per block over 6 blocks,"
        " from 1 in `blocks.0` to 32 in `blocks.5`",
    ),
    "branches that are normalised": (
        signal(geometric(7, 2.0)),
        SignalPattern.HEALTHY,
        "healthy: the variance grows by a factor of 64 in all, bounded by the norms, over 7 blocks",
    ),
    "a single block": (
        signal([1.7]),
        SignalPattern.HEALTHY,
        "healthy: the variance stays of one size over 1 block",
    ),
    "mean shift": (
        signal(linear(12), normalised=False, squared_mean=9.0),
        SignalPattern.MEAN_SHIFT,
        "mean shift: in 12 of 12 blocks the squared channel mean exceeds the variance, most in"
        " `blocks.0` (9 against 1.36)",
    ),
    "means that a norm takes out": (
        signal(linear(12), squared_mean=9.0),
        SignalPattern.HEALTHY,
        "healthy: the variance grows linearly over 12 blocks",
    ),
    "normalizer-free": (
        signal([1.1] * 9, normalizer_free=True, normalised=False, branch=0.04, expected=1.2),
        SignalPattern.HEALTHY,
        "healthy: the variance stays of one size over 9 blocks; it is what the betas assume up to a"
        " factor of 1.09",
    ),
    "noise behind average pooling": (
        signal(
            [0.3] * 9,
            normalizer_free=True,
            normalised=False,
            branch=0.01,
            expected=0.29,
            squared_mean=0.5,
        ),
        SignalPattern.HEALTHY,
        "healthy: the variance stays of one size over 9 blocks; it is what the betas assume, less"
        " what average pooling takes from the input, up to a factor of 1.03",
    ),
    "betas that do not fit": (
        signal([1.1] * 9, normalizer_free=True, normalised=False, branch=0.04, expected=4.4),
        SignalPattern.DRIFTS,
        "drifts: in 9 of 9 blocks the variance is off by more than a factor of 2, most in"
        " `blocks.0` (1.1 where 4.4 is expected)",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_verdict_names_the_pattern_and_its_numbers(case: str) -> None:
    measured, pattern, text = CASES[case]
    judged = verdict(measured)
    assert (judged.pattern, judged.text[: len(text)]) == (pattern, text)
    assert bool(judged.advice) == (pattern is not SignalPattern.HEALTHY)


@pytest.mark.parametrize("case", CASES)
def test_verdicts_are_sentences_without_a_period(case: str) -> None:
    judged = verdict(CASES[case][0])
    for text in (judged.text, judged.advice):
        assert not text.endswith((".", ";", ",", ":"))
        assert "  " not in text
