"""BN508: what a conversion to SyncBatchNorm replaces in place, and what it only returns."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tests.evidence.two_processes import on_two_processes

convert = nn.SyncBatchNorm.convert_sync_batchnorm


def build() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))


def test_a_layer_itself_stays_what_it_is() -> None:
    net = build()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    made = convert(net[1])
    assert isinstance(made, nn.SyncBatchNorm)
    assert type(net[1]) is nn.BatchNorm1d
    net[1] = made
    assert {id(p) for p in net.parameters()} == {id(p) for p in optimizer.param_groups[0]["params"]}


def test_a_loop_over_layers_replaces_none() -> None:
    net = build()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module = convert(module)
    assert type(net[1]) is nn.BatchNorm1d


def test_layers_of_a_model_are_replaced_in_place() -> None:
    net = build()
    assert convert(net) is net
    assert isinstance(net[1], nn.SyncBatchNorm)


def wrapped_first(rank: int) -> bool:
    wrapper = DistributedDataParallel(build())
    return convert(wrapper) is wrapper and isinstance(wrapper.module[1], nn.SyncBatchNorm)


def test_neither_does_a_wrapper_lose_it(tmp_path: Path) -> None:
    assert on_two_processes(wrapped_first, tmp_path) == [True, True]
