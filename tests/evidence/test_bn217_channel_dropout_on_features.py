"""What dropouts of whole channels do with vectors of features."""

import warnings

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def dropped(layer: nn.Module, inputs: Tensor) -> tuple[Tensor, list[str]]:
    """The output with fixed random numbers, and the warnings."""
    torch.manual_seed(0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        return layer(inputs), [str(warning.message) for warning in told]


def test_for_images_it_drops_single_values_and_warns() -> None:
    inputs = torch.randn(64, 32)
    made, told = dropped(nn.Dropout2d(0.3), inputs)
    assert torch.equal(made, dropped(nn.Dropout(0.3), inputs)[0])
    assert len(told) == 1
    assert "will result in an error in a future release" in told[0]


@pytest.mark.parametrize(
    ("layer", "warns"), [(nn.Dropout1d(0.5), False), (nn.Dropout3d(0.5), True)]
)
def test_for_series_and_videos_it_drops_samples(layer: nn.Module, warns: bool) -> None:
    made, told = dropped(layer, torch.ones(64, 32))
    zeros = (made == 0).sum(1)
    assert set(zeros.tolist()) == {0, 32}
    assert bool(told) is warns


def test_their_zeros_get_into_the_statistics() -> None:
    norm = nn.BatchNorm1d(8, momentum=None)
    layers = nn.Sequential(nn.Dropout1d(0.5), norm)
    torch.manual_seed(0)
    for _ in range(100):
        layers(torch.randn(256, 8) + 3)
    assert norm.running_var is not None
    assert float(norm.running_var.mean()) == pytest.approx(2 * (1 + 9) - 9, rel=0.1)
