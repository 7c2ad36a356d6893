"""BN511: ``fully_shard`` leaves the running statistics to each process."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh

from tests.evidence.two_processes import on_two_processes

fsdp = pytest.importorskip("torch.distributed.fsdp")


def running_mean(rank: int) -> float:
    """After a training on data of its own."""
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4)
    net = nn.Sequential(norm, nn.Linear(4, 2))
    fsdp.fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    torch.manual_seed(rank)
    for _ in range(5):
        optimizer.zero_grad()
        net(torch.randn(8, 4) + rank).square().mean().backward()
        optimizer.step()
    assert norm.running_mean is not None
    return float(norm.running_mean.mean())


@pytest.mark.skipif(not hasattr(fsdp, "fully_shard"), reason="older versions have another name")
def test_running_statistics_differ_between_processes(tmp_path: Path) -> None:
    first, second = on_two_processes(running_mean, tmp_path)
    assert isinstance(first, float) and isinstance(second, float)
    assert abs(first) < 0.2 and second > 0.25
