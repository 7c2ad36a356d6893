"""BN901: a layer that asks for gradients takes no notice of its mode, nor do checkpoints of it."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class ByGradients(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("var", torch.ones(4))

    def trains(self) -> bool:
        return torch.is_grad_enabled()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.trains():
            return (x - self.mean) / (self.var + 1e-5).sqrt()
        mean, var = x.mean(0), x.var(0, unbiased=False)
        with torch.no_grad():
            self.mean.lerp_(mean, 0.1)
            self.var.lerp_(var, 0.1)
        return (x - mean) / (var + 1e-5).sqrt()


class ByMode(ByGradients):
    def trains(self) -> bool:
        return self.training


def batch() -> torch.Tensor:
    torch.manual_seed(0)
    return (torch.randn(16, 4) * 3 + 2).requires_grad_()


@pytest.mark.parametrize(("layer", "notices"), [(ByGradients, False), (ByMode, True)])
def test_eval_has_an_effect_only_on_one_that_asks_for_its_mode(
    layer: type[ByGradients], notices: bool
) -> None:
    norm = layer().eval()
    out = norm(batch())
    assert torch.equal(norm.mean, torch.zeros(4)) is notices
    assert (out.mean().abs() < 1e-4).item() is not notices


@pytest.mark.parametrize(("layer", "changes"), [(ByGradients, True), (ByMode, False)])
def test_a_reentrant_checkpoint_changes_what_one_computes(
    layer: type[ByGradients], changes: bool
) -> None:
    plain, checkpointed = layer().train(), layer().train()
    expected = plain(batch())
    given = checkpoint(checkpointed, batch(), use_reentrant=True)
    assert torch.allclose(expected, given) is not changes
    assert ((expected - given).abs().max() > 3).item() is changes
