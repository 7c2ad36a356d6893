"""BN314: a layer that comes after ``eval()`` is in train mode, whatever the model says."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


@pytest.mark.parametrize("again", [False, True])
def test_only_a_second_eval_reaches_the_new_layer(again: bool) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)).eval()
    net[2] = nn.Sequential(nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))
    if again:
        net.eval()
    norm = net[2][1]
    before = norm.running_mean.clone()
    batch = torch.randn(32, 4) + 2
    with torch.no_grad():
        together, alone = net(batch)[:2], net(batch[:2])
    assert not net.training and norm.training is not again
    assert torch.allclose(together, alone, atol=1e-5) is again
    assert torch.equal(before, norm.running_mean) is again


def test_conversion_gives_a_new_layer_the_mode_of_the_old_one() -> None:
    net = nn.Sequential(nn.BatchNorm2d(3)).eval()
    assert not nn.SyncBatchNorm.convert_sync_batchnorm(net)[0].training
