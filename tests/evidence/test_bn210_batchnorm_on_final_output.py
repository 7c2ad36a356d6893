"""What a BatchNorm as the last layer does to logits."""

import math

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import nn


def best_loss(norm: nn.BatchNorm1d) -> float:
    """The cross-entropy of logits that are as right as they can be, of 10 classes of 100 samples."""
    labels = torch.arange(10).repeat(100)
    with torch.no_grad():
        return float(F.cross_entropy(norm(F.one_hot(labels, 10).float()), labels))


def test_without_weights_the_loss_has_a_lower_bound() -> None:
    expected = math.log(1 + 9 * math.exp(-10 / 3))
    assert best_loss(nn.BatchNorm1d(10, affine=False)) == pytest.approx(expected, abs=1e-3)
    assert expected == pytest.approx(0.28, abs=0.005)


def test_weights_spread_the_logits() -> None:
    norm = nn.BatchNorm1d(10)
    assert best_loss(norm) == pytest.approx(0.28, abs=0.005)
    nn.init.constant_(norm.weight, 5.0)
    assert best_loss(norm) < 1e-3


def test_no_better_logits_are_found() -> None:
    """Neither by training free logits."""
    torch.manual_seed(0)
    labels, norm = torch.arange(10).repeat(20), nn.BatchNorm1d(10, affine=False)
    logits = torch.randn(200, 10, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.1)
    for _ in range(300):
        optimizer.zero_grad()
        loss = F.cross_entropy(norm(logits), labels)
        loss.backward()
        optimizer.step()
    assert float(loss) == pytest.approx(0.28, abs=0.02)


def test_a_prediction_depends_on_the_other_samples() -> None:
    torch.manual_seed(0)
    norm, sample = nn.BatchNorm1d(3), torch.tensor([[2.0, 1.0, 0.0]])
    alike, others = sample + 0.1 * torch.randn(31, 3), torch.randn(31, 3)
    first, second = (norm(torch.cat([sample, rest]))[0] for rest in (alike, others))
    assert int(second.argmax()) == 0
    assert float(first.softmax(0)[0]) < float(second.softmax(0)[0])
