"""BN507: under DistributedDataParallel each process has statistics of its own; process 0's are kept.

SyncBatchNorm itself needs GPUs; what it computes, statistics over the batches of all processes, is
compared by hand.
"""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tests.evidence.two_processes import on_two_processes

SHIFT = 5.0


def train(rank: int) -> dict[str, Any]:
    torch.manual_seed(rank)
    norm = nn.BatchNorm1d(1)
    net = DistributedDataParallel(nn.Sequential(norm, nn.Linear(1, 1)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    batch = torch.empty(0)
    for _ in range(50):
        batch = torch.randn(8, 1) + SHIFT * rank
        optimizer.zero_grad()
        net(batch).square().mean().backward()
        optimizer.step()
    normalised = norm(batch).mean().item()
    batches = [torch.empty_like(batch) for _ in range(2)]
    dist.all_gather(batches, batch)
    joint = nn.functional.batch_norm(torch.cat(batches), None, None, training=True)
    net(batch)  # broadcasts the buffers of process 0 first
    assert norm.running_mean is not None
    mean = norm.running_mean.clone()
    dist.broadcast(mean, 0)
    return {
        "normalised": normalised,
        "joint": joint[8 * rank :][:8].mean().item(),
        "mean": mean.item(),
    }


def test_each_process_has_statistics_of_its_own(tmp_path: Path) -> None:
    first, second = on_two_processes(train, tmp_path)
    assert isinstance(first, dict) and isinstance(second, dict)
    assert abs(first["normalised"]) < 0.01 and abs(second["normalised"]) < 0.01
    assert abs(first["mean"]) < 0.5 and abs(second["mean"]) < 0.5
    assert first["joint"] < -0.5 and second["joint"] > 0.5
