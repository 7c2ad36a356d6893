"""BN413: each forward of a step in train mode moves the running statistics."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def updates_of_one_step(optimizer: str, **options: int) -> int:
    """How often one step on one batch updates the running statistics."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
    inputs = torch.randn(64, 8)
    made = getattr(torch.optim, optimizer)(net.parameters(), lr=0.1, **options)

    def closure() -> torch.Tensor:
        made.zero_grad()
        loss = nn.functional.mse_loss(net(inputs)[:, 0], inputs.sin().sum(1))
        loss.backward()
        return loss

    made.step(closure)
    counted = net[1].num_batches_tracked
    assert isinstance(counted, torch.Tensor)
    return int(counted)


def test_a_step_of_lbfgs_updates_many_times() -> None:
    assert updates_of_one_step("LBFGS") > 5


def test_one_iteration_and_other_optimizers_update_once() -> None:
    assert updates_of_one_step("LBFGS", max_iter=1) == updates_of_one_step("SGD") == 1


def test_a_momentum_of_0_keeps_the_statistics_and_normalises_by_the_batch() -> None:
    norm, inputs = nn.BatchNorm1d(8, momentum=0.0), torch.randn(64, 8) * 3 + 5
    outputs = norm(inputs)
    assert norm.running_mean is not None and torch.equal(norm.running_mean, torch.zeros(8))
    assert outputs.mean().item() == pytest.approx(0, abs=1e-5)
