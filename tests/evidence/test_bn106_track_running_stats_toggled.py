"""BN106: the flag of a built layer neither gives batch statistics in eval mode nor freezes it."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

BATCH = torch.randn(64, 3) + 5


@pytest.mark.parametrize(("removed", "mean"), [(False, 5.0), (True, 0.0)])
def test_in_eval_mode_only_removed_statistics_are_not_used(removed: bool, mean: float) -> None:
    norm = nn.BatchNorm1d(3, affine=False).eval()
    norm.track_running_stats = False
    if removed:
        norm.running_mean = norm.running_var = None
    assert norm(BATCH).mean().item() == pytest.approx(mean, abs=0.5)


def test_in_train_mode_the_batch_is_used_and_nothing_updated() -> None:
    norm = nn.BatchNorm1d(3, affine=False)
    norm.track_running_stats = False
    assert norm(BATCH).mean().abs() < 1e-5
    assert torch.equal(norm.running_mean, torch.zeros(3))
    norm.track_running_stats = True
    norm(BATCH)
    assert norm.running_mean.min() > 0
