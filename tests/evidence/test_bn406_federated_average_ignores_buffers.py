"""BN406: the mean of clients' parameters needs the mean of their statistics, at least."""

import copy

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def data(shift: float) -> tuple[Tensor, Tensor]:
    """Samples of two classes, of a client that has all values shifted."""
    labels = torch.arange(256) % 2
    return torch.randn(256, 8) + 5 + shift + labels[:, None], labels


def train(net: nn.Module, shift: float) -> nn.Module:
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(30):
        inputs, labels = data(shift)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    return net


def accuracy(net: nn.Module, shift: float) -> float:
    inputs, labels = data(shift)
    return (net.eval()(inputs).argmax(1) == labels).float().mean().item()


@pytest.mark.parametrize("buffers", [False, True])
def test_the_server_guesses_until_buffers_are_averaged(buffers: bool) -> None:
    torch.manual_seed(0)
    server = nn.Sequential(
        nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)
    )
    shifts = (-0.1, 0.0, 0.1)
    for _ in range(5):
        clients = [train(copy.deepcopy(server).train(), shift) for shift in shifts]
        for mine, *theirs in zip(
            server.parameters(), *(c.parameters() for c in clients), strict=True
        ):
            mine.data = torch.stack([t.data for t in theirs]).mean(0)
        for mine, *theirs in zip(server.buffers(), *(c.buffers() for c in clients), strict=True):
            if buffers and mine.is_floating_point():
                mine.copy_(torch.stack(theirs).mean(0))
    assert all(accuracy(c, s) > 0.8 for c, s in zip(clients, shifts, strict=True))
    assert (accuracy(server, 0.0) > 0.8) is buffers


def test_the_mean_of_variances_is_not_the_variance() -> None:
    torch.manual_seed(0)
    clients = torch.randn(10_000) - 3, torch.randn(10_000) + 3
    assert torch.stack([c.var() for c in clients]).mean().item() == pytest.approx(1, abs=0.1)
    assert torch.cat(clients).var().item() == pytest.approx(10, abs=0.2)
