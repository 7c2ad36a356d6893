"""BN902: plain tensors are missing wherever torch goes through a module's state."""

import copy
from collections import OrderedDict

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


class Norm(nn.Module):
    def __init__(self, registered: bool) -> None:
        super().__init__()
        if registered:
            self.register_buffer("moving_mean", torch.zeros(4))
            self.register_buffer("moving_var", torch.ones(4))
        else:
            self.moving_mean = torch.zeros(4)
            self.moving_var = torch.ones(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, var = self.moving_mean, self.moving_var
        if self.training:
            mean, var = x.mean(0), x.var(0)
            self.moving_mean = (0.9 * self.moving_mean + 0.1 * mean).detach()
            self.moving_var = (0.9 * self.moving_var + 0.1 * var).detach()
        return (x - mean) / (var + 1e-5).sqrt()


def trained(registered: bool) -> Norm:
    torch.manual_seed(0)
    norm = Norm(registered)
    for _ in range(50):
        norm(torch.randn(32, 4) * 2 + 5)
    return norm


@pytest.mark.parametrize("registered", [False, True])
def test_a_checkpoint_has_only_buffers(registered: bool) -> None:
    norm, loaded = trained(registered), Norm(registered)
    state = norm.state_dict()
    loaded.load_state_dict(state)
    assert list(state) == (["moving_mean", "moving_var"] if registered else [])
    x = torch.randn(8, 4) * 2 + 5
    difference = (norm.eval()(x) - loaded.eval()(x)).abs().max().item()
    assert (difference == 0) is registered
    assert (difference > 3) is not registered


@pytest.mark.parametrize("registered", [False, True])
def test_only_buffers_are_converted_and_moved(registered: bool) -> None:
    norm = trained(registered).double().to("meta")
    assert (norm.moving_mean.dtype is torch.float64) is registered
    assert norm.moving_mean.is_meta is registered


def test_a_buffer_takes_a_tensor_that_is_assigned_to_its_name() -> None:
    norm = trained(registered=True)
    assert "moving_mean" not in vars(norm)
    assert norm.state_dict()["moving_mean"] is not None
    assert torch.equal(copy.deepcopy(norm).moving_mean, norm.moving_mean)


def test_an_older_checkpoint_lacks_the_keys_of_new_buffers() -> None:
    norm = Norm(registered=True)
    with pytest.raises(RuntimeError, match="Missing key"):
        norm.load_state_dict(OrderedDict())
    assert norm.load_state_dict(OrderedDict(), strict=False).missing_keys


def test_buffers_cannot_be_registered_before_torchs_own_constructor() -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.register_buffer("mean", torch.zeros(4))
            super().__init__()

    with pytest.raises(AttributeError):
        Early()
