"""BN316: one observation in train mode raises an error, or is normalised by itself alone."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def test_one_value_per_channel_raises() -> None:
    norm = nn.BatchNorm1d(8)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        norm(torch.randn(1, 8))
    assert norm.eval()(torch.randn(1, 8)).shape == (1, 8)


def test_brightness_and_contrast_of_one_picture_are_lost() -> None:
    norm = nn.BatchNorm2d(3)
    picture = torch.randn(1, 3, 16, 16)
    assert torch.allclose(norm(picture), norm(5 * picture + 2), atol=1e-3)
    norm.eval()
    assert not torch.allclose(norm(picture), norm(5 * picture + 2), atol=0.5)
