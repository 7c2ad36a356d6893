"""BN706: a BatchNorm in eval mode that has seen no data passes on what it gets."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def test_a_new_layer_in_eval_mode_is_the_identity() -> None:
    batch = 3 * torch.randn(64, 4, 8, 8) + 5
    outputs = nn.BatchNorm2d(4).eval()(batch).detach()
    assert torch.allclose(outputs, batch, rtol=1e-4)


def test_training_leaves_it_so() -> None:
    norm = nn.BatchNorm1d(4).eval()
    optimizer = torch.optim.SGD(norm.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        norm(3 * torch.randn(64, 4) + 5).square().mean().backward()
        optimizer.step()
    assert norm.running_mean is not None and norm.running_var is not None
    assert not norm.running_mean.any() and bool((norm.running_var == 1).all())


def depth_scale(*, live: bool) -> float:
    """The standard deviation behind ten layers that double what they get."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(10):
        linear = nn.Linear(32, 32, bias=False)
        nn.init.orthogonal_(linear.weight, gain=2)
        layers += [linear, nn.BatchNorm1d(32).train(live)]
    return float(nn.Sequential(*layers)(torch.randn(256, 32)).detach().std())


def test_the_signal_of_a_deep_network_is_not_kept_in_bounds() -> None:
    assert depth_scale(live=True) == pytest.approx(1, abs=0.05)
    assert depth_scale(live=False) > 500
