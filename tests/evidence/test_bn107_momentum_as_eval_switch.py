"""BN107: eval mode never looks at ``momentum``; train mode normalises by the batch whatever it is."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

BATCH = torch.randn(32, 3) + 4


def test_in_eval_mode_momentum_changes_nothing() -> None:
    one, other = nn.BatchNorm1d(3).eval(), nn.BatchNorm1d(3).eval()
    other.momentum = 0
    assert torch.equal(one(BATCH), other(BATCH))
    assert torch.equal(one.running_mean, other.running_mean)


def test_a_momentum_of_zero_is_no_eval_mode() -> None:
    norm = nn.BatchNorm1d(3, affine=False)
    norm.momentum = 0
    assert norm(BATCH).mean().abs() < 1e-5  # the batch's own mean was subtracted
    assert norm.eval()(BATCH).mean() > 3
