"""BN310: a method `train` of the model's own takes the switch of the mode away."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


class Net(nn.Module):
    """A network whose training loop has the name of the switch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.given: object = None

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(x)
        return result

    def train(self, batches: object = None) -> None:  # type: ignore[override]
        self.given = batches


def test_eval_calls_the_loop_with_false() -> None:
    net = Net()
    net.eval()
    assert net.given is False
    assert net.norm.training


def test_a_model_around_it_does_not_reach_its_layers_either() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(Net(), nn.BatchNorm1d(4)).eval()
    assert [layer.training for layer in model.modules() if isinstance(layer, nn.BatchNorm1d)] == [
        True,
        False,
    ]
    before = model.state_dict()["0.norm.running_mean"].clone()
    model(torch.randn(8, 4) + 3)
    assert not torch.equal(before, model.state_dict()["0.norm.running_mean"])
