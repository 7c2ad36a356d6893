"""BN905: F.batch_norm trains only where it is told to, and then in eval mode, too."""

import inspect

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):
    def __init__(self, told: str) -> None:
        super().__init__()
        self.told = told
        self.weight = nn.Parameter(torch.ones(4))
        self.bias = nn.Parameter(torch.zeros(4))
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("var", torch.ones(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mode = {"always": {"training": True}, "mode": {"training": self.training}}
        options = mode.get(self.told, {})
        return F.batch_norm(x, self.mean, self.var, self.weight, self.bias, **options)


def batch() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(256, 4) + 2


def test_the_default_is_not_to_train() -> None:
    assert inspect.signature(F.batch_norm).parameters["training"].default is False


@pytest.mark.parametrize(("told", "mean"), [("nothing", 2.0), ("always", 0.0), ("mode", 0.0)])
def test_what_comes_out_in_train_mode(told: str, mean: float) -> None:
    norm = Norm(told).train()
    assert norm(batch()).mean().item() == pytest.approx(mean, abs=0.1)
    assert torch.equal(norm.mean, torch.zeros(4)) is (told == "nothing")


@pytest.mark.parametrize(("told", "moves"), [("nothing", False), ("always", True), ("mode", False)])
def test_whether_eval_mode_moves_the_statistics(told: str, moves: bool) -> None:
    norm = Norm(told).eval()
    norm(batch())
    assert torch.equal(norm.mean, torch.zeros(4)) is not moves
