"""What a norm directly behind a BatchNorm leaves of it."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


@pytest.fixture
def first() -> nn.BatchNorm2d:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(8)
    nn.init.uniform_(norm.weight, 0.5, 2.0)
    nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize("second", [nn.BatchNorm2d(8), nn.InstanceNorm2d(8)])
def test_per_channel_it_leaves_nothing(first: nn.BatchNorm2d, second: nn.Module) -> None:
    inputs = torch.randn(16, 8, 6, 6)
    alone = second(inputs)
    both = second(first(inputs))
    assert torch.allclose(alone, both, atol=1e-3)
    (both * torch.randn_like(both)).sum().backward()
    assert first.weight.grad is not None
    assert first.bias.grad is not None
    assert float(first.weight.grad.abs().max()) < 1e-2
    assert float(first.bias.grad.abs().max()) < 1e-2


def test_signs_stay(first: nn.BatchNorm2d) -> None:
    inputs, second = torch.randn(16, 8, 6, 6), nn.BatchNorm2d(8)
    nn.init.constant_(first.weight, -1.0)
    assert torch.allclose(second(first(inputs)), -second(inputs), atol=1e-3)


def test_a_layer_norm_keeps_differences_between_channels(first: nn.BatchNorm2d) -> None:
    inputs, second = torch.randn(16, 8, 6, 6), nn.LayerNorm([8, 6, 6])
    assert not torch.allclose(second(inputs), second(first(inputs)), atol=0.1)


def test_an_instance_norm_before_it_takes_away_what_differs_between_images() -> None:
    inputs = torch.randn(16, 8, 6, 6) + 5 * torch.randn(16, 1, 1, 1)
    norm = nn.BatchNorm2d(8)
    with torch.no_grad():
        apart = norm(inputs).mean((1, 2, 3)).std()
        together = norm(nn.InstanceNorm2d(8)(inputs)).mean((1, 2, 3)).std()
    assert float(apart) > 0.5
    assert float(together) < 1e-3
