"""BN405: a loose load is silent about what it did not find."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))


def test_nothing_is_loaded_and_nothing_raises_where_a_prefix_differs() -> None:
    net = network()
    before = net[0].weight.detach().clone()
    saved = {f"module.{key}": value + 1 for key, value in network().state_dict().items()}
    returned = net.load_state_dict(saved, strict=False)
    assert torch.equal(net[0].weight, before)
    assert set(returned.missing_keys) >= {"1.running_mean", "1.running_var"}


def test_missing_statistics_stay_zeros_and_ones() -> None:
    net, trained = network(), network()
    trained(torch.randn(64, 4) + 5)
    parameters = {key: p.detach() for key, p in trained.named_parameters()}
    returned = net.load_state_dict(parameters, strict=False)
    assert [key for key in returned.missing_keys if "running_" in key]
    assert net[1].running_mean.abs().max() == 0
