"""BN804: a sigmoid gate leaves a quarter of the variance, and its double all of it."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from bnlint.facts.wording.signal_verdict import SignalPattern, verdict
from tests.normalizer_free_networks import Network, measured, read, traced

RIGHT = Network()

SINGLE = Network(attend="SqueezeExcite(outputs)", attended="self.attend(out)")
DOUBLED = Network(attend="SqueezeExcite(outputs)", attended="2 * self.attend(out)")


def test_reading_tracing_and_measuring_agree(tmp_path: Path) -> None:
    assert read(SINGLE) == traced(SINGLE, tmp_path) == ["BN804"]
    assert verdict(measured(SINGLE, tmp_path)).pattern is not SignalPattern.HEALTHY


def test_and_they_are_content_with_the_double(tmp_path: Path) -> None:
    assert read(DOUBLED) == traced(DOUBLED, tmp_path) == []
    assert verdict(measured(DOUBLED, tmp_path)).pattern is SignalPattern.HEALTHY


def test_the_gate_takes_three_quarters_of_the_variance(tmp_path: Path) -> None:
    whole, part, double = (
        measured(network, tmp_path).blocks[0].branch_variance
        for network in (RIGHT, SINGLE, DOUBLED)
    )
    assert part / whole == pytest.approx(0.25, abs=0.05)
    assert double / whole == pytest.approx(1.0, abs=0.2)
