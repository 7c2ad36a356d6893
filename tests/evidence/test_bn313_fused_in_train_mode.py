"""BN313: torch folds BatchNorm layers in eval mode alone."""

from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.ao.quantization import fuse_modules, fuse_modules_qat
from torch.fx.experimental.optimization import fuse
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

Folding = Callable[[nn.Sequential], nn.Module]
FOLDINGS: dict[str, Folding] = {
    "fuse_modules": lambda net: fuse_modules(net, [["0", "1", "2"]]),
    "fuse_conv_bn_eval": lambda net: fuse_conv_bn_eval(net[0], net[1]),
    "fuse": fuse,
}


def network(training: bool) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    net(torch.randn(8, 3, 8, 8) + 2)
    return net.train(training)


@pytest.mark.parametrize("folding", FOLDINGS)
def test_train_mode_is_refused(folding: str) -> None:
    with pytest.raises(AssertionError, match="Fusion only for eval"):
        FOLDINGS[folding](network(training=True))


@pytest.mark.parametrize("folding", FOLDINGS)
def test_eval_mode_is_folded(folding: str) -> None:
    net, images = network(training=False), torch.randn(2, 3, 8, 8)
    folded = FOLDINGS[folding](net)
    assert torch.allclose(folded(images).relu(), net(images), atol=1e-5)


def test_a_linear_layer_is_alike() -> None:
    with pytest.raises(AssertionError, match="Fusion only for eval"):
        fuse_linear_bn_eval(nn.Linear(3, 4), nn.BatchNorm1d(4))


@pytest.mark.parametrize("training", [False, True])
def test_others_take_both_modes(training: bool) -> None:
    fuse_modules_qat(network(training), [["0", "1", "2"]])
    fuse_modules(network(training), [["1", "2"]])
