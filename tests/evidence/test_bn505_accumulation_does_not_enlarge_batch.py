"""Accumulated gradients are those of the whole batch, but for a model with BatchNorm."""

from copy import deepcopy

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def gradient(net: nn.Module, x: torch.Tensor, y: torch.Tensor, parts: int) -> torch.Tensor:
    for inputs, targets in zip(x.chunk(parts), y.chunk(parts), strict=True):
        (nn.functional.mse_loss(net(inputs), targets) / parts).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


@pytest.mark.parametrize(("norm", "same"), [(nn.BatchNorm1d(8), False), (nn.GroupNorm(2, 8), True)])
def test_only_without_batchnorm_do_parts_make_up_the_whole(norm: nn.Module, same: bool) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), norm, nn.ReLU(), nn.Linear(8, 1))
    x, y = torch.randn(32, 4), torch.randn(32, 1)
    whole, parts = gradient(deepcopy(net), x, y, 1), gradient(deepcopy(net), x, y, 8)
    difference = float((whole - parts).norm() / whole.norm())
    assert difference < 1e-4 if same else difference > 0.1


def test_running_statistics_are_updated_for_each_part() -> None:
    norm = nn.BatchNorm1d(4)
    gradient(nn.Sequential(nn.Linear(4, 4), norm), torch.randn(32, 4), torch.randn(32, 4), 8)
    assert norm.num_batches_tracked == 8
