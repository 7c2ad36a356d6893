"""BN806: what statistics over other dimensions do to the outputs of a convolution."""

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F


def standardised(weight: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    std, mean = torch.std_mean(weight, dim=dims, keepdim=True, correction=0)
    return (weight - mean) / (std + 1e-5)


def outputs(weight: torch.Tensor, shift: float = 0.0) -> torch.Tensor:
    """The outputs of a convolution of noise around a mean, by channel."""
    x = torch.randn(64, weight.shape[1], 8, 8) + shift
    return F.conv2d(x, weight / weight[0].numel() ** 0.5).transpose(0, 1).flatten(1)


def weights(size: int = 3) -> torch.Tensor:
    """Weights whose outputs differ in mean and size."""
    torch.manual_seed(0)
    scale = torch.linspace(0.5, 2, 16).view(-1, 1, 1, 1)
    return torch.randn(16, 32, size, size) * scale + 0.5 * scale


def test_over_the_inputs_all_outputs_have_the_same_variance_and_no_mean() -> None:
    out = outputs(standardised(weights(), (1, 2, 3)), shift=1.0)
    assert out.var(1).tolist() == pytest.approx([1.0] * 16, rel=0.1)
    assert out.mean(1).abs().max() < 0.1


def test_over_everything_they_keep_their_differences() -> None:
    out = outputs(standardised(weights(), (0, 1, 2, 3)), shift=1.0)
    assert out.var(1).max() > 4 * out.var(1).min()
    assert out.mean(1).abs().max() > 1


def test_over_the_kernel_nothing_is_left_of_a_single_number() -> None:
    assert not standardised(weights(1), (2, 3)).any()


def test_with_the_mean_left_in_the_inputs_mean_goes_through() -> None:
    weight = weights()
    uncentred = weight / weight.std((1, 2, 3), keepdim=True)
    assert outputs(uncentred, shift=1.0).mean(1).abs().min() > 1
