"""BN407: torch writes no fractions into the number of batches that a layer has counted."""

from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

RAISING: dict[str, Callable[[Tensor], Tensor]] = {
    "/=": lambda entry: entry.__itruediv__(4),
    "*=": lambda entry: entry.__imul__(0.5),
    "+=": lambda entry: entry.__iadd__(entry * 0.5),
    "-=": lambda entry: entry.__isub__(entry / 2),
    "mul_": lambda entry: entry.mul_(0.9),
    "div_": lambda entry: entry.div_(2),
    "lerp_": lambda entry: entry.lerp_(entry, 0.1),
    "add_": lambda entry: entry.add_(entry, alpha=0.1),
}
RUNNING: dict[str, Callable[[Tensor], Tensor]] = {
    "*= of a whole number": lambda entry: entry.__imul__(2),
    "+= of a whole number": lambda entry: entry.__iadd__(entry),
    "rounded": lambda entry: entry.div_(2, rounding_mode="floor"),
    "copied": lambda entry: entry.copy_(entry * 0.5),
    "new": lambda entry: entry / 4,
}


def counted() -> Tensor:
    return nn.BatchNorm1d(4).state_dict()["num_batches_tracked"]


@pytest.mark.parametrize("operation", RAISING)
def test_fractions_in_place_raise(operation: str) -> None:
    with pytest.raises(RuntimeError):
        RAISING[operation](counted())


@pytest.mark.parametrize("operation", RUNNING)
def test_these_run(operation: str) -> None:
    RUNNING[operation](counted())


def test_loading_makes_integers_of_fractions() -> None:
    norm = nn.BatchNorm1d(4)
    norm.load_state_dict({name: value / 4 for name, value in norm.state_dict().items()})
    assert norm.num_batches_tracked is not None
    assert norm.num_batches_tracked.dtype == torch.int64
