"""BN611: batches of one answer each take away from a network with BatchNorm what tells the answers apart."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def samples(number: int) -> tuple[Tensor, Tensor]:
    """As many samples of each of two kinds, whose means differ in one feature."""
    one, other = torch.randn(number, 8), torch.randn(number, 8)
    other[:, 0] += 2
    return one, other


def accuracy(*, norm: bool, together: bool) -> float:
    """What eval mode gives after training with the kinds in one forward, or in two."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(8, 32, bias=False),
        nn.BatchNorm1d(32) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Linear(32, 1),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(200):
        one, other = samples(64)
        first, second = (
            net(torch.cat([one, other])).chunk(2) if together else (net(one), net(other))
        )
        optimizer.zero_grad()
        loss = criterion(first, torch.zeros_like(first))
        (loss + criterion(second, torch.ones_like(second))).backward()
        optimizer.step()
    net.eval()
    one, other = samples(1000)
    return float(((net(one) < 0).float().mean() + (net(other) > 0).float().mean()) / 2)


def test_batches_of_one_answer_hide_the_answer_from_batchnorm() -> None:
    assert accuracy(norm=True, together=False) < 0.65
    assert accuracy(norm=True, together=True) > 0.8
    assert accuracy(norm=False, together=False) > 0.8
