"""BN703: which classes of BatchNorm pass a test for one of them, and what a frozen layer is spared."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

LAYERS = (nn.BatchNorm1d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LazyBatchNorm1d)


def frozen(test: type[nn.Module]) -> float:
    """How far the running mean moves in one forward, where layers that pass a test are put into eval mode."""
    norm = nn.BatchNorm1d(4)
    net = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(norm))
    for module in net.modules():
        if isinstance(module, test):
            module.eval()
    net(torch.ones(8, 4))
    return float(net[0].running_mean.abs().max())


def test_all_are_of_the_common_base_class_and_not_of_batchnorm2d() -> None:
    for layer in LAYERS:
        made = layer() if layer is nn.LazyBatchNorm1d else layer(4)
        assert isinstance(made, _BatchNorm) and not isinstance(made, nn.BatchNorm2d)


def test_a_converted_layer_goes_on_learning_statistics() -> None:
    assert frozen(nn.BatchNorm1d) == pytest.approx(0.1)
    assert frozen(_BatchNorm) == 0


def test_the_conversion_keeps_the_mode() -> None:
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm1d(4)).eval())
    assert not converted[0].training
