"""BN402, BN403: what follows by its parameters alone normalises by the statistics of another time."""

import copy

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def trained_with_its_average(buffers: bool) -> tuple[nn.Module, nn.Module]:
    """A network that learns on shifted data, and the average that follows it."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    average = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(200):
        inputs = data()
        optimizer.zero_grad()
        error_of(net, inputs).backward()
        optimizer.step()
        for mine, theirs in zip(average.parameters(), net.parameters(), strict=True):
            mine.data.lerp_(theirs.data, 0.5)
        if buffers:
            for follower, leader in zip(average.buffers(), net.buffers(), strict=True):
                follower.copy_(leader)
    return net.eval(), average.eval()


def data() -> Tensor:
    return torch.randn(64, 8) + 5


def error_of(net: nn.Module, inputs: Tensor) -> Tensor:
    return nn.functional.mse_loss(net(inputs)[:, 0], inputs.mean(1))


def test_the_average_is_far_off_until_its_buffers_follow() -> None:
    inputs = data()
    errors = {}
    for buffers in (False, True):
        net, average = trained_with_its_average(buffers)
        errors[buffers] = (error_of(average, inputs) / error_of(net, inputs)).item()
    assert errors[False] > 5
    assert errors[True] == pytest.approx(1, abs=0.3)
