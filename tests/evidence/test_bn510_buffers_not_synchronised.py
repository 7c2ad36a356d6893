"""BN510: without the broadcast of buffers, each process keeps running statistics of its own."""

import warnings
from inspect import signature
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tests.evidence.two_processes import on_two_processes


def evaluate(rank: int, options: dict[str, bool]) -> float:
    """Train a few steps on data of its own, and evaluate the same sample in eval mode."""
    warnings.simplefilter("ignore", FutureWarning)
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 1))
    wrapped = DistributedDataParallel(net, **options)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.01)
    torch.manual_seed(rank)
    for _ in range(5):
        optimizer.zero_grad()
        wrapped(torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
    wrapped.eval()
    return float(wrapped(torch.ones(1, 4)).detach())


@pytest.mark.parametrize("name", ["broadcast_buffers", "forward_sync_buffers"])
def test_processes_evaluate_different_models(name: str, tmp_path: Path) -> None:
    if name not in signature(DistributedDataParallel).parameters:
        pytest.skip("older versions only have `broadcast_buffers`")
    first, second = on_two_processes(evaluate, tmp_path, {name: False})
    assert isinstance(first, float) and isinstance(second, float)
    assert abs(first - second) > 0.01


def test_by_default_they_evaluate_the_same_model(tmp_path: Path) -> None:
    first, second = on_two_processes(evaluate, tmp_path, {})
    assert first == second
