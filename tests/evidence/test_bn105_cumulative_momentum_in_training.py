"""What ``momentum=None`` remembers of a network that changes."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def remembered(norm: nn.BatchNorm1d) -> float:
    """The running mean after 1,000 steps, of a feature whose mean falls from 10 to 0 in the first 500."""
    torch.manual_seed(0)
    for step in range(1000):
        norm(torch.randn(64, 1) + max(0.0, 10 - step / 50))
    assert norm.running_mean is not None
    return float(norm.running_mean)


def test_it_weighs_the_first_batches_like_the_last() -> None:
    assert remembered(nn.BatchNorm1d(1, momentum=None)) == pytest.approx(2.5, abs=0.05)
    assert remembered(nn.BatchNorm1d(1)) == pytest.approx(0.0, abs=0.1)


def test_reset_it_estimates_the_present_network() -> None:
    norm = nn.BatchNorm1d(1, momentum=None)
    remembered(norm)
    norm.reset_running_stats()
    for _ in range(100):
        norm(torch.randn(64, 1))
    assert norm.running_mean is not None
    assert float(norm.running_mean) == pytest.approx(0.0, abs=0.05)
