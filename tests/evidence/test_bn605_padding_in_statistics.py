"""BN605: padded steps are numbers like others to BatchNorm."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def statistics(steps: Tensor) -> list[float]:
    norm = nn.BatchNorm1d(1, momentum=1.0)
    norm(steps)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return [float(norm.running_mean), float(norm.running_var)]


def test_the_padding_is_counted() -> None:
    sequences = 3 + torch.randn(64, 1, 100, generator=torch.Generator().manual_seed(0))
    padded = nn.functional.pad(sequences, (0, 100))
    mask = torch.arange(200) < 100
    assert statistics(padded) == pytest.approx([1.5, 2.75], abs=0.1)
    assert statistics(padded[:, :, mask]) == pytest.approx([3, 1], abs=0.1)
