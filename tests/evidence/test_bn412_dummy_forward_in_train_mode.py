"""BN412: numbers that are made up move the running statistics in train mode, with gradients or without."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


@pytest.mark.parametrize(("training", "left"), [(True, 0.9), (False, 1.0)])
@pytest.mark.parametrize("grad", [True, False])
def test_zeros_take_a_tenth_of_the_variance(training: bool, left: float, grad: bool) -> None:
    norm = nn.BatchNorm2d(3).train(training)
    with torch.set_grad_enabled(grad):
        norm(torch.zeros(1, 3, 8, 8))
    assert torch.allclose(norm.running_var, torch.full((3,), left))


def test_ten_calls_leave_a_third() -> None:
    norm = nn.BatchNorm1d(3)
    for _ in range(10):
        norm(torch.zeros(4, 3))
    assert norm.running_var[0].item() == pytest.approx(0.35, abs=0.01)
