"""A BatchNorm that starts at 0 before a ReLU learns nothing; before an addition it does."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def gradients(net: nn.Module) -> list[float]:
    """The largest gradient of each parameter after one backward pass."""
    torch.manual_seed(0)
    (net(torch.randn(32, 8)) * torch.randn(32, 1)).sum().backward()
    return [float(p.grad.abs().max()) for p in net.parameters() if p.grad is not None]


def test_before_a_relu_nothing_up_to_the_next_layer_learns() -> None:
    net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    nn.init.zeros_(net[1].weight)
    *before, _ = gradients(net)
    assert before == [0.0] * 5


def test_a_residual_branch_that_ends_in_it_learns() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.norm = nn.Linear(8, 8), nn.BatchNorm1d(8)
            nn.init.zeros_(self.norm.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x + self.norm(self.linear(x)))

    *_, weight, bias = gradients(Block())
    assert weight > 0.1 and bias > 0.1


@pytest.mark.parametrize("activation", [nn.LeakyReLU(0.2), nn.GELU(), nn.SiLU(), nn.Hardswish()])
def test_other_activations_pass_a_gradient(activation: nn.Module) -> None:
    net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), activation, nn.Linear(8, 2))
    nn.init.zeros_(net[1].weight)
    assert gradients(net)[2] > 1e-3
