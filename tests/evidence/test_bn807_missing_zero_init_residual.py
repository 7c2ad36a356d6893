"""BN807: with a last BatchNorm of weight 0 a block begins as its shortcut, and learns."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.branch(x)
        return out


def variance(zero: bool, depth: int = 16) -> float:
    torch.manual_seed(0)
    net = nn.Sequential(*[Block(8) for _ in range(depth)])
    if zero:
        for block in net:
            nn.init.zeros_(block.branch[-1].weight)
    x = torch.randn(8, 8, 8, 8)
    return float(net(x).var() / x.var())


def test_the_variance_grows_by_one_with_each_block() -> None:
    assert variance(zero=False) == pytest.approx(17, rel=0.15)


def test_from_zero_it_stays() -> None:
    assert variance(zero=True) == pytest.approx(1, rel=1e-5)
