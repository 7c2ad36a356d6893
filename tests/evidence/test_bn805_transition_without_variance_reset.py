"""BN805: where count and shortcut disagree, branches behind a transition starve or grow."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from bnlint.facts.wording.signal_verdict import SignalPattern, verdict
from tests.normalizer_free_networks import Network, measured, read, traced

RIGHT = Network()

COUNTED_ON = Network(reset="False")
UNDIVIDED = Network(shortcut="F.relu(x)")


@pytest.mark.parametrize("network", [COUNTED_ON, UNDIVIDED])
def test_reading_tracing_and_measuring_agree(network: Network, tmp_path: Path) -> None:
    assert read(network) == traced(network, tmp_path) == ["BN805"]
    assert verdict(measured(network, tmp_path)).pattern is not SignalPattern.HEALTHY


def test_and_they_are_content_where_both_agree(tmp_path: Path) -> None:
    assert read(RIGHT) == traced(RIGHT, tmp_path) == []
    assert verdict(measured(RIGHT, tmp_path)).pattern is SignalPattern.HEALTHY


def test_the_branches_of_the_last_stage_say_it(tmp_path: Path) -> None:
    right, starved, grown = (
        measured(network, tmp_path).blocks[-1].branch_variance
        for network in (RIGHT, COUNTED_ON, UNDIVIDED)
    )
    assert starved < 0.1 * right
    assert grown > 5 * right
