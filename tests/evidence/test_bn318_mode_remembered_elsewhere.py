"""BN318: what gives back a mode of long ago moves the statistics in a test that has called ``eval()``."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


class Probe:
    """Runs a network in eval mode, and gives back the mode that it had when it was built, or has now."""

    def __init__(self, net: nn.Module, anew: bool) -> None:
        self.net, self.anew = net, anew
        self.training = net.training

    def __call__(self, inputs: Tensor) -> None:
        if self.anew:
            self.training = self.net.training
        self.net.eval()
        self.net(inputs)
        self.net.train(self.training)


@pytest.mark.parametrize("anew", [False, True])
def test_the_mode_of_long_ago_ends_eval_mode(anew: bool) -> None:
    net, inputs = nn.BatchNorm1d(4), torch.randn(16, 4) + 3
    probe = Probe(net, anew)
    net.eval()
    for _ in range(3):
        probe(inputs)
        net(inputs)
    assert net.training is not anew
    assert net.num_batches_tracked == (0 if anew else 3)


@pytest.mark.parametrize("anew", [False, True])
def test_and_ends_train_mode_where_it_was_eval_mode(anew: bool) -> None:
    net, inputs = nn.BatchNorm1d(4), torch.randn(16, 4) + 3
    probe = Probe(net.eval(), anew)
    for _ in range(3):
        net.train()
        probe(inputs)
        net(inputs)
    assert net.num_batches_tracked == (3 if anew else 0)
