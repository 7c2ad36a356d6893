"""A BatchNorm behind a dropout learns a variance that evaluation does not have."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def learned_to_found(layers: nn.Sequential, norm: nn.BatchNorm1d, inputs: Tensor) -> float:
    """The running variance after many batches, divided by the variance at evaluation."""
    for batch in inputs.split(1000):
        layers(batch)
    seen: list[Tensor] = []
    norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    layers.eval()(inputs)
    return float((norm.running_var / seen[0].detach().var(0)).mean())


def data(features: int = 8) -> Tensor:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return torch.randn(100_000, features)


@pytest.mark.parametrize(("p", "times"), [(0.1, 1.11), (0.25, 1.33), (0.5, 2.0)])
def test_directly_before_it_the_variance_is_divided_by_what_is_kept(p: float, times: float) -> None:
    norm = nn.BatchNorm1d(8)
    assert learned_to_found(nn.Sequential(nn.Dropout(p), norm), norm, data()) == pytest.approx(
        times, rel=0.03
    )


@pytest.mark.parametrize(("p", "times"), [(0.1, 1.16), (0.2, 1.37), (0.5, 2.47)])
def test_behind_a_relu_it_is_more(p: float, times: float) -> None:
    norm = nn.BatchNorm1d(8)
    layers = nn.Sequential(nn.ReLU(), nn.Dropout(p), norm)
    assert learned_to_found(layers, norm, data()) == pytest.approx(times, rel=0.03)


def test_whole_channels_are_no_better() -> None:
    norm = nn.BatchNorm1d(8)
    layers = nn.Sequential(nn.Unflatten(1, (8, 1)), nn.Dropout1d(0.5), nn.Flatten(), norm)
    assert learned_to_found(layers, norm, data()) == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(
    "between",
    [
        nn.ReLU(),
        nn.LeakyReLU(0.2),
        nn.ELU(),
        nn.GELU(),
        nn.SiLU(),
        nn.Mish(),
        nn.MaxPool1d(2),
    ],
)
def test_single_values_carry_the_noise_on(between: nn.Module) -> None:
    norm = nn.BatchNorm1d(8 // (2 if isinstance(between, nn.MaxPool1d) else 1))
    layers = nn.Sequential(nn.Dropout(0.5), between, norm)
    assert learned_to_found(layers, norm, data()) > 1.1


def test_an_activation_that_saturates_turns_it_round() -> None:
    norm = nn.BatchNorm1d(8)
    assert learned_to_found(nn.Sequential(nn.Dropout(0.5), nn.Tanh(), norm), norm, data()) < 0.9


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_behind_it_the_variance_fits(p: float) -> None:
    norm = nn.BatchNorm1d(8)
    layers = nn.Sequential(nn.ReLU(), norm, nn.Dropout(p))
    assert learned_to_found(layers, norm, data()) == pytest.approx(1.0, rel=0.03)


def test_alpha_dropout_keeps_the_variance() -> None:
    norm = nn.BatchNorm1d(8)
    layers = nn.Sequential(nn.SELU(), nn.AlphaDropout(0.2), norm)
    assert learned_to_found(layers, norm, data()) == pytest.approx(1.0, rel=0.03)


def test_weights_decide_how_much_passes() -> None:
    """Random weights pass all of the noise on, those that agree on what is alike next to none."""
    shared = data(1).expand(-1, 512) + 0.0
    ratios = []
    for weight in (torch.randn(8, 512), torch.ones(8, 512)):
        linear, norm = nn.Linear(512, 8, bias=False), nn.BatchNorm1d(8)
        with torch.no_grad():
            linear.weight.copy_(weight)
        layers = nn.Sequential(nn.Dropout(0.5), linear, norm)
        ratios.append(learned_to_found(layers, norm, shared))
    assert ratios[1] == pytest.approx(1.0, abs=0.03)
    assert ratios[0] > 1.5
