"""BN415: an average that is put into a network does not fit the statistics of the trained weights."""

import copy

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn


def data(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs far from zero, and a smooth function of them."""
    inputs = torch.randn(512, 8, generator=torch.Generator().manual_seed(seed)) + 3
    return inputs, torch.sin(inputs[:, :4]).sum(1) + inputs[:, 4] * inputs[:, 5] / 3


def error_of(net: nn.Module) -> float:
    inputs, targets = data(1)
    with torch.no_grad():
        return nn.functional.mse_loss(net.eval()(inputs)[:, 0], targets).item()


def trained_and_swapped() -> nn.Module:
    """A network trained with a large learning rate, at the mean of its weights from the tenth epoch on."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU()),
        *(nn.Linear(32, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU()),
        nn.Linear(32, 1),
    )
    means = [torch.zeros_like(weight) for weight in net.parameters()]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
    inputs, targets = data(0)
    for epoch in range(40):
        for batch in torch.randperm(512).split(64):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(inputs[batch])[:, 0], targets[batch]).backward()
            optimizer.step()
        for mean, weight in zip(means, net.parameters(), strict=True):
            mean += weight.detach() / 30 if epoch >= 10 else 0
    with torch.no_grad():
        for mean, weight in zip(means, net.parameters(), strict=True):
            weight.copy_(mean)
    return net


def test_batches_in_train_mode_cut_the_error_by_a_quarter() -> None:
    net = trained_and_swapped()
    recalibrated = copy.deepcopy(net)
    update_bn(data(0)[0].split(64), recalibrated)
    moved = copy.deepcopy(net).train()
    with torch.no_grad():
        for _ in range(5):
            for batch in data(0)[0].split(64):
                moved(batch)
    assert error_of(recalibrated) < 0.75 * error_of(net)
    assert error_of(moved) < 0.75 * error_of(net)
