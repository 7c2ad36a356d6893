"""BN702: ``train()`` of the whole puts frozen BatchNorm layers back; freezing again keeps them."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def freeze(net: nn.Module) -> None:
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eval()


@pytest.mark.parametrize(("again", "moved"), [(False, True), (True, False)])
def test_statistics_move_unless_they_are_frozen_again(again: bool, moved: bool) -> None:
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4))
    freeze(net)
    for _ in range(3):
        net.train()
        if again:
            freeze(net)
        net(torch.randn(16, 4) + 5).square().mean().backward()
    assert bool(net[1].running_mean.abs().max() > 0) is moved
