"""BN416: eval mode updates nothing, so reset statistics stay zeros and ones."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


@pytest.mark.parametrize("training", [False, True])
def test_reset_statistics_come_back_in_train_mode_alone(training: bool) -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4, momentum=None)
    norm(torch.randn(64, 4) * 3 + 5)
    norm.reset_running_stats()
    norm.train(training)
    for _ in range(8):
        norm(torch.randn(64, 4) * 3 + 5)
    output = norm.eval()(torch.randn(512, 4) * 3 + 5)
    assert output.mean().item() == pytest.approx(0 if training else 5, abs=0.2)
    assert output.std().item() == pytest.approx(1 if training else 3, abs=0.2)
