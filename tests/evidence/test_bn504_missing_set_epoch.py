"""BN504: without ``set_epoch`` a process, and its BatchNorm, only ever sees the same samples."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from tests.evidence.two_processes import on_two_processes

SAMPLES, FEATURES, EPOCHS = 32, 64, 40


def _data() -> torch.Tensor:
    return torch.randn(SAMPLES, FEATURES, generator=torch.Generator().manual_seed(0))


def both(rank: int) -> list[tuple[list[list[int]], torch.Tensor]]:
    """A training without ``set_epoch``, and one with it."""
    return [_train(told=False), _train(told=True)]


def _train(told: bool) -> tuple[list[list[int]], torch.Tensor]:
    """The samples of each epoch in their order, and the running mean at the end."""
    data = TensorDataset(_data(), torch.arange(SAMPLES))
    sampler = DistributedSampler(data, shuffle=True)
    loader = DataLoader(data, batch_size=8, sampler=sampler, drop_last=True)
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(FEATURES, momentum=None)
    net = DistributedDataParallel(nn.Sequential(norm, nn.Linear(FEATURES, 1)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    seen: list[list[int]] = []
    for epoch in range(EPOCHS):
        if told:
            sampler.set_epoch(epoch)
        seen.append([])
        for samples, numbers in loader:
            seen[-1] += numbers.tolist()
            optimizer.zero_grad()
            net(samples).square().mean().backward()
            optimizer.step()
    assert norm.running_mean is not None
    return seen, norm.running_mean


def test_what_the_statistics_see(tmp_path: Path) -> None:
    (untold, told), (others_untold, _) = on_two_processes(both, tmp_path)  # type: ignore[misc]
    seen, mean = untold
    assert all(epoch == seen[0] for epoch in seen)
    assert not set(seen[0]) & set(others_untold[0][0])
    assert _error(mean) > 0.1
    seen, mean = told
    assert seen[0] != seen[1]
    assert {number for epoch in seen for number in epoch} == set(range(SAMPLES))
    assert _error(mean) < 0.03


def _error(mean: torch.Tensor) -> float:
    """How far running means are from those of all data, in standard deviations."""
    return ((mean - _data().mean(0)).abs() / _data().std(0)).mean().item()
