"""BN509: the conversion to SyncBatchNorm replaces subclasses of BatchNorm by the plain layer."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


class NormAct(nn.BatchNorm1d):
    def forward(self, input: Tensor) -> Tensor:
        return torch.relu(super().forward(input))


class SyncNormAct(nn.SyncBatchNorm):
    def forward(self, input: Tensor) -> Tensor:
        return torch.relu(super().forward(input))


@pytest.mark.parametrize("layer", [NormAct(4), SyncNormAct(4)])
def test_the_activation_is_lost(layer: nn.Module) -> None:
    batch = torch.randn(32, 4)
    net = nn.Sequential(layer).eval()
    assert float(net(batch).detach().min()) == 0
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert type(converted[0]) is nn.SyncBatchNorm
    assert float(converted(batch).detach().min()) < -1
