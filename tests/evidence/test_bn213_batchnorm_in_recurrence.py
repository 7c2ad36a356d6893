"""What a BatchNorm in the loop over steps does with values that rise over time."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def series() -> Tensor:
    """256 series of 8 steps of 4 features, whose mean rises by 1 with each step."""
    torch.manual_seed(0)
    return torch.randn(256, 8, 4) + torch.arange(8.0)[:, None]


def step_by_step(norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    return torch.stack([norm(step) for step in x.unbind(1)], 1)


def at_once(norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    return norm(x.transpose(1, 2)).transpose(1, 2)


def rise(x: Tensor) -> float:
    """From the first to the last step."""
    return float((x[:, -1] - x[:, 0]).mean())


def test_step_by_step_training_loses_what_evaluation_keeps() -> None:
    norm = nn.BatchNorm1d(4)
    for _ in range(100):
        trained = step_by_step(norm, series())
    with torch.no_grad():
        evaluated = step_by_step(norm.eval(), series())
    assert rise(trained) == pytest.approx(0.0, abs=1e-3)
    assert rise(evaluated) > 5


def test_the_running_statistics_fit_no_step() -> None:
    norm = nn.BatchNorm1d(4, momentum=None)
    step_by_step(norm, series())
    assert norm.running_var is not None
    assert float(norm.running_var.mean()) == pytest.approx(1.0, rel=0.05)  # of all steps: 6.25


def test_at_once_both_agree() -> None:
    norm = nn.BatchNorm1d(4)
    for _ in range(100):
        trained = at_once(norm, series())
    with torch.no_grad():
        evaluated = at_once(norm.eval(), series())
    assert rise(evaluated) == pytest.approx(rise(trained), rel=0.05)
