"""BN410: what running statistics began with is left of them after n batches as ``(1 - momentum) ** n``."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


@pytest.mark.parametrize(("momentum", "needed"), [(0.1, 22), (0.01, 230), (0.001, 2302)])
def test_so_many_batches_leave_a_tenth(momentum: float, needed: int) -> None:
    norm = nn.BatchNorm1d(1, momentum=momentum)
    batch = torch.randn(64, 1, generator=torch.Generator().manual_seed(0)) * 2 + 5
    for _ in range(needed - 1):
        norm(batch)
    mean, variance = batch.mean().item(), batch.var().item()
    left = (1 - momentum) ** (needed - 1)
    assert left > 0.1 > left * (1 - momentum)
    assert norm.running_mean.item() == pytest.approx((1 - left) * mean, rel=1e-3)
    assert norm.running_var.item() == pytest.approx(left + (1 - left) * variance, rel=1e-3)


def test_a_batch_that_is_known_by_heart_is_not_recognised_in_eval_mode() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Linear(20, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU()),
        *(nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU()),
        nn.Linear(64, 3),
    )
    inputs, labels = torch.randn(64, 20) * 3 + 5, torch.randint(3, (64,))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(10):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()

    def accuracy() -> float:
        with torch.no_grad():
            return (net(inputs).argmax(1) == labels).float().mean().item()

    learnt = accuracy()
    net.eval()
    assert learnt > 0.9
    assert accuracy() < learnt - 0.1
