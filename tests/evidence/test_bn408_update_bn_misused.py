"""BN408: what `update_bn` makes of dicts, frozen layers and sorted batches."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.optim.swa_utils import update_bn


def test_dicts_raise() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    with pytest.raises(TypeError):
        update_bn([{"image": torch.randn(8, 4)}], net)


def test_statistics_of_frozen_layers_are_lost() -> None:
    net = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(4))
    net[0].eval()
    net[0].running_mean.fill_(7)
    update_bn([torch.randn(64, 4)], net)
    assert net[0].running_mean.abs().max() < 1


def test_the_variance_between_sorted_batches_is_left_out() -> None:
    torch.manual_seed(0)
    values = torch.randn(1024, 1) + 10 * (torch.arange(1024) // 256)[:, None]
    whole = values.var().item()
    found = {}
    for name, data in {"sorted": values, "shuffled": values[torch.randperm(1024)]}.items():
        norm = nn.BatchNorm1d(1)
        update_bn(data.split(64), norm)
        found[name] = norm.running_var.item()
    assert whole > 100
    assert found["sorted"] == pytest.approx(1, abs=0.2)
    assert found["shuffled"] == pytest.approx(whole, rel=0.05)
