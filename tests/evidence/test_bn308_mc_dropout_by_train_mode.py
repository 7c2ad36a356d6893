"""BN308: with ``train()`` the samples depend on the batch, and move the statistics; not with dropout alone."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


@pytest.mark.parametrize("kept", [False, True])
def test_only_dropout_in_train_mode_keeps_the_statistics(kept: bool) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.Dropout(0.5))
    net.train()
    if kept:
        net[1].eval()
    before = net[1].running_mean.clone()
    inputs = torch.randn(16, 4) + 3
    with torch.no_grad():
        samples = torch.stack([net(inputs) for _ in range(50)])
    assert samples.var(0).max() > 0  # dropout is on
    assert torch.equal(before, net[1].running_mean) is kept
