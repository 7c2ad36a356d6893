"""BN612: what BatchNorm makes of an image tells in which batch it was."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def keys(norm: nn.Module, images: Tensor) -> Tensor:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    outputs: Tensor = nn.Sequential(*layers)(images)
    return outputs.detach()


def batches() -> tuple[Tensor, Tensor]:
    """Two batches that share their first image alone."""
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 8, 3, 8, 8, generator=generator)
    return one, torch.cat([one[:1], 3 * other[1:]])


def test_a_key_depends_on_the_other_images() -> None:
    one, other = (keys(nn.BatchNorm2d(8), images)[0] for images in batches())
    assert float((one - other).abs().max()) > 0.05


def test_in_eval_mode_and_with_group_norm_it_does_not() -> None:
    for norm in (nn.BatchNorm2d(8).eval(), nn.GroupNorm(2, 8)):
        one, other = (keys(norm, images)[0] for images in batches())
        assert torch.allclose(one, other, atol=1e-6)


def test_shuffled_parts_have_other_neighbours() -> None:
    images, _ = batches()
    order = torch.tensor([0, 5, 2, 7, 4, 1, 6, 3])
    parts = [keys(nn.BatchNorm2d(8), part) for part in images[order].chunk(2)]
    shuffled = torch.cat(parts)[torch.argsort(order)]
    assert not torch.allclose(shuffled, keys(nn.BatchNorm2d(8), images), atol=1e-3)
