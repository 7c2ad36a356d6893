"""BN803: standardised weights without the gain of the activation lose the signal."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from bnlint.facts.wording.signal_verdict import SignalPattern, verdict
from tests.normalizer_free_networks import Network, measured, read, traced

RIGHT = Network()

WRONG = {"1.0": 0.34**3, "2**0.5": 0.68**3}
"""Gains, and the variance that theory leaves of a branch of three layers."""


@pytest.mark.parametrize("gamma", WRONG)
def test_reading_tracing_and_measuring_agree(gamma: str, tmp_path: Path) -> None:
    network = Network(gamma=gamma)
    assert read(network) == traced(network, tmp_path) == ["BN803"]
    signal = measured(network, tmp_path)
    assert verdict(signal).pattern is not SignalPattern.HEALTHY
    assert signal.blocks[0].branch_variance == pytest.approx(WRONG[gamma], rel=0.3)


def test_and_they_are_content_with_the_right_one(tmp_path: Path) -> None:
    assert read(RIGHT) == traced(RIGHT, tmp_path) == []
    signal = measured(RIGHT, tmp_path)
    assert verdict(signal).pattern is SignalPattern.HEALTHY
    assert signal.blocks[0].branch_variance == pytest.approx(0.85, abs=0.15)
