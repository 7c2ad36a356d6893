"""Initialisations of convolutions make BatchNorm's output tiny, or raise."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def test_small_weights_make_a_small_signal() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(256)
    x = torch.randn(64, 256)
    assert float(norm(x).std()) == pytest.approx(1.0, abs=0.02)
    nn.init.normal_(norm.weight, 0, 0.02)
    assert float(norm(x).std()) == pytest.approx(0.02, abs=0.003)


@pytest.mark.parametrize(
    "fill",
    [
        nn.init.xavier_uniform_,
        nn.init.xavier_normal_,
        nn.init.kaiming_uniform_,
        nn.init.kaiming_normal_,
        nn.init.orthogonal_,
    ],
)
def test_what_needs_two_dimensions_raises(fill: object) -> None:
    with pytest.raises(ValueError, match=r"2 (or more )?dimensions"):
        fill(nn.BatchNorm2d(8).weight)  # type: ignore[operator]
