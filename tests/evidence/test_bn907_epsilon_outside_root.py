"""BN907: the root of a variance of 0 has an infinite slope, which becomes NaN."""

from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch

EPS = 1e-5
Deviation = Callable[[torch.Tensor], torch.Tensor]
OUTSIDE: list[Deviation] = [
    lambda x: torch.sqrt(x.var(0, unbiased=False)) + EPS,
    lambda x: x.var(0).sqrt() + EPS,
    lambda x: x.var(0) ** 0.5 + EPS,
    lambda x: torch.sqrt(((x - x.mean(0)) ** 2).mean(0)) + EPS,
]
INSIDE: list[Deviation] = [
    lambda x: torch.sqrt(x.var(0, unbiased=False) + EPS),
    lambda x: (x.var(0) + EPS) ** 0.5,
    lambda x: x.std(0) + EPS,
    lambda x: torch.sqrt(x.var(0).detach()) + EPS,
    lambda x: torch.sqrt(x.var(0).clamp(min=EPS)) + EPS,
]


def gradient(deviation: Deviation) -> torch.Tensor:
    """What a normalised batch with a constant second channel gives back to its input."""
    torch.manual_seed(0)
    x = torch.randn(8, 2)
    x[:, 1] = 0.5
    x.requires_grad_()
    out = (x - x.mean(0)) / deviation(x)
    assert out.isfinite().all()
    (out * torch.randn(8, 2)).sum().backward()
    assert x.grad is not None
    assert x.grad[:, 0].isfinite().all()
    return x.grad[:, 1]


@pytest.mark.parametrize("deviation", OUTSIDE)
def test_gradients_are_nan_where_it_is_outside(deviation: Deviation) -> None:
    assert gradient(deviation).isnan().all()


@pytest.mark.parametrize("deviation", INSIDE)
def test_and_finite_otherwise(deviation: Deviation) -> None:
    assert gradient(deviation).isfinite().all()


def test_the_fix_changes_little() -> None:
    x = torch.randn(4096, 1)
    x = (x - x.mean()) / x.std(unbiased=False)
    outside, inside = OUTSIDE[0](x), INSIDE[0](x)
    assert (outside - inside).abs().item() == pytest.approx(5e-6, rel=0.1)
    constant = torch.ones(8, 1)
    assert OUTSIDE[0](constant).item() == pytest.approx(1e-5)
    assert INSIDE[0](constant).item() == pytest.approx(0.00316, rel=0.01)
