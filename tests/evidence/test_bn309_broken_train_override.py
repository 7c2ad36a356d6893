"""BN309, BN310: ``eval()`` is ``train(False)``, of the model and of all its parts."""

import pytest

pytest.importorskip("torch")

from torch import nn


def with_train(train: object) -> nn.Module:
    """A model around one whose class has a ``train`` of its own."""
    part = type("Part", (nn.Module,), {"train": train})()
    part.norm = nn.BatchNorm1d(3)
    return nn.Sequential(part)


def test_without_a_mode_eval_fails() -> None:
    def train(self: nn.Module) -> nn.Module:
        return nn.Module.train(self)

    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        with_train(train).eval()


def test_without_a_return_there_is_no_model() -> None:
    def train(self: nn.Module, mode: bool = True) -> None:
        nn.Module.train(self, mode)

    assert with_train(train)[0].eval() is None


def test_a_training_loop_is_called_and_switches_nothing() -> None:
    called = []

    def train(self: nn.Module, loader: object) -> None:
        called.append(loader)

    net = with_train(train).eval()
    assert called == [False]
    assert net[0].norm.training
