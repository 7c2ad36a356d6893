"""BN512: SyncBatchNorm exchanges statistics in train mode alone, and one process waits for the other.

SyncBatchNorm itself needs GPUs; that it would exchange something is told by its refusal of the CPU.
"""

import time
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
import torch.distributed as dist
from torch import nn

from tests.evidence.two_processes import on_two_processes


def exchanges(rank: int) -> list[bool]:
    """Whether SyncBatchNorm needs the other process: in train mode, without gradients, in eval mode."""
    norm, answers = nn.SyncBatchNorm(4), []
    for training, grad in ((True, True), (True, False), (False, True)):
        norm.train(training)
        try:
            with torch.set_grad_enabled(grad):
                norm(torch.randn(8, 4))
            answers.append(False)
        except ValueError as error:
            answers.append("GPU" in str(error))
    return answers


def gather_alone(rank: int) -> bool:
    """Whether an exchange that only the first process begins comes to nothing."""
    group = dist.new_group(timeout=timedelta(seconds=1))
    if rank > 0:
        time.sleep(3)
        return True
    mean = torch.zeros(4)
    try:
        dist.all_gather([torch.empty_like(mean) for _ in range(2)], mean, group=group)
    except RuntimeError:
        return True
    return False


def test_only_train_mode_exchanges_statistics(tmp_path: Path) -> None:
    assert on_two_processes(exchanges, tmp_path) == [[True, True, False]] * 2


def test_one_process_waits_for_the_other(tmp_path: Path) -> None:
    assert on_two_processes(gather_alone, tmp_path) == [True, True]
