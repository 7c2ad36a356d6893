"""What eval mode does without running statistics."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def test_an_output_depends_on_the_batch() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4, track_running_stats=False).eval()
    sample = torch.randn(1, 4)
    first, second = (norm(torch.cat([sample, torch.randn(7, 4)]))[0] for _ in range(2))
    assert not torch.allclose(first, second, atol=1e-2)


def test_a_single_vector_raises() -> None:
    norm = nn.BatchNorm1d(4, track_running_stats=False).eval()
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        norm(torch.randn(1, 4))


def test_with_them_neither_is_so() -> None:
    norm, sample = nn.BatchNorm1d(4).eval(), torch.randn(1, 4)
    assert torch.allclose(norm(torch.cat([sample, torch.randn(7, 4)]))[:1], norm(sample))
