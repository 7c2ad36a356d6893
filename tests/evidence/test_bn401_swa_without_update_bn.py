"""BN401: running statistics of the last network do not fit the mean of the weights."""

from functools import cache

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn


def data(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs far from zero, and a smooth function of them."""
    inputs = torch.randn(512, 8, generator=torch.Generator().manual_seed(seed)) + 3
    return inputs, torch.sin(inputs[:, :4]).sum(1) + inputs[:, 4] * inputs[:, 5] / 3


@cache
def average_of(kind: str) -> AveragedModel:
    """The average over a training with a large constant learning rate."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU()),
        *(nn.Linear(32, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU()),
        nn.Linear(32, 1),
    )
    step = get_ema_multi_avg_fn(0.9) if kind == "exponential" else None
    average = AveragedModel(net, multi_avg_fn=step, use_buffers=kind == "buffers")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
    inputs, targets = data(0)
    for epoch in range(40):
        for batch in torch.randperm(512).split(64):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(inputs[batch])[:, 0], targets[batch]).backward()
            optimizer.step()
            if kind == "exponential":
                average.update_parameters(net)
        if epoch >= 10 and kind != "exponential":
            average.update_parameters(net)
    return average


def error_of(average: nn.Module) -> float:
    inputs, targets = data(1)
    with torch.no_grad():
        return nn.functional.mse_loss(average.eval()(inputs)[:, 0], targets).item()


def change_of_error(kind: str) -> float:
    """The error of an average as it is, in terms of that with statistics of its own."""
    average = average_of(kind)
    before = error_of(average)
    update_bn(data(0)[0].split(64), average)
    return before / error_of(average)


def test_the_statistics_of_the_last_network_double_the_error() -> None:
    assert change_of_error("weights") > 1.4


@pytest.mark.parametrize("kind", ["exponential", "buffers"])
def test_an_exponential_average_and_averaged_buffers_need_nothing(kind: str) -> None:
    assert change_of_error(kind) == pytest.approx(1, abs=0.1)
