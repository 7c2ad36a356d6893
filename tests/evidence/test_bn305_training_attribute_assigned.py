"""BN305: ``training`` is one module's own flag."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


@pytest.mark.parametrize("assigned", [True, False])
def test_the_layers_follow_a_call_and_no_assignment(assigned: bool) -> None:
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4))
    if assigned:
        net.training = False
    else:
        net.eval()
    before = net[1].running_mean.clone()
    with torch.no_grad():
        net(torch.randn(16, 4) + 3)
    assert net.training is False
    assert net[1].training is assigned
    assert torch.equal(before, net[1].running_mean) is not assigned
