"""BN602: a head that is shared by two levels normalises them in eval mode as in no step of its training."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def levels() -> tuple[Tensor, Tensor]:
    """A batch of a fine level and one of a coarse level, of other mean and spread."""
    return torch.randn(8, 1, 16, 16), 10 + 3 * torch.randn(8, 1, 8, 8)


def trained(norms: list[nn.BatchNorm2d]) -> list[float]:
    """The means of both levels in eval mode, after the norm was trained on one after the other."""
    torch.manual_seed(0)
    for _ in range(200):
        for norm, level in zip(norms, levels(), strict=True):
            assert float(norm(level).mean().detach()) == pytest.approx(0, abs=1e-4)
    pairs = zip(norms, levels(), strict=True)
    return [float(norm.eval()(level).mean().detach()) for norm, level in pairs]


def test_a_shared_one_fits_no_level() -> None:
    fine, coarse = trained([nn.BatchNorm2d(1)] * 2)
    assert fine < -2
    assert coarse > 1.5


def test_one_for_each_fits_both() -> None:
    assert trained([nn.BatchNorm2d(1), nn.BatchNorm2d(1)]) == pytest.approx([0, 0], abs=0.2)


def test_group_norm_is_the_same_in_both_modes() -> None:
    norm, (fine, coarse) = nn.GroupNorm(1, 1), levels()
    outputs = [norm(level) for level in (fine, coarse)]
    norm.eval()
    assert all(torch.equal(norm(x), y) for x, y in zip((fine, coarse), outputs, strict=True))
