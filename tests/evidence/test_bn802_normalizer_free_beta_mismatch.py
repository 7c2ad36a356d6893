"""BN802: with a factor that does not follow the variance the signal grows or starves."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from bnlint.facts.wording.signal_verdict import SignalPattern, verdict
from tests.normalizer_free_networks import Network, measured, read, traced

WRONG = {
    "one beta": (Network(beta="1.0", alpha="0.5"), 12.0),
    "the variance": (Network(beta="variance", alpha="0.5"), 0.29),
}
"""Networks and the variance behind their last block, which is to be 2."""


@pytest.mark.parametrize("name", WRONG)
def test_reading_tracing_and_measuring_agree(name: str, tmp_path: Path) -> None:
    network, variance = WRONG[name]
    assert read(network) == traced(network, tmp_path) == ["BN802"]
    signal = measured(network, tmp_path)
    assert verdict(signal).pattern is not SignalPattern.HEALTHY
    assert signal.blocks[-1].variance == pytest.approx(variance, rel=0.3)


@pytest.mark.parametrize("alpha", ["1.0", "0.5", "0.2"])
def test_and_they_are_content_with_the_right_one(alpha: str, tmp_path: Path) -> None:
    network = Network(alpha=alpha)
    assert read(network) == traced(network, tmp_path) == []
    signal = measured(network, tmp_path)
    assert verdict(signal).pattern is SignalPattern.HEALTHY
    for block in signal.blocks:
        assert block.expected is not None
        assert 0.6 * block.expected < block.variance < 1.1 * block.expected
