"""Weight decay shrinks the scales of BatchNorm, and what the layers pass on, whatever the loss says."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def after_decay(*, grouped: bool) -> nn.BatchNorm1d:
    """A BatchNorm after 100 steps on a loss that says nothing about it."""
    norm = nn.BatchNorm1d(4)
    every = list(norm.parameters())
    own = {"params": every, "weight_decay": 0.0} if grouped else {"params": every}
    optimizer = torch.optim.SGD([own], lr=0.1, weight_decay=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        (0.0 * norm(torch.randn(32, 4)).sum()).backward()
        optimizer.step()
    return norm


def test_scales_fall_as_the_page_says() -> None:
    assert after_decay(grouped=False).weight.mean().item() == pytest.approx(0.61, abs=0.01)


def test_what_the_layer_passes_on_falls_with_them() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(256, 4)
    assert after_decay(grouped=False)(inputs).std().item() == pytest.approx(0.61, abs=0.01)


def test_a_group_without_decay_leaves_them_alone() -> None:
    assert after_decay(grouped=True).weight.tolist() == [1.0] * 4
