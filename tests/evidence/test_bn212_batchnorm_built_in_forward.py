"""A BatchNorm that a forward builds is new each time, and in train mode at evaluation."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


class New(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.BatchNorm1d(4)(x)


class Kept(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x)


@pytest.mark.parametrize(("model", "depends"), [(New, True), (Kept, False)])
def test_outputs_at_evaluation_depend_on_the_batch(model: type[nn.Module], depends: bool) -> None:
    torch.manual_seed(0)
    net = model()
    for _ in range(100):
        net(torch.randn(64, 4) + 5)
    net.eval()
    batch = torch.randn(64, 4) + 5
    first = net(batch)[:8]
    assert torch.allclose(first, net(batch[:8])) != depends
    if depends:
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            net(batch[:1])


@pytest.mark.parametrize(("model", "trained"), [(New, 0), (Kept, 2)])
def test_an_optimizer_gets_what_is_kept(model: type[nn.Module], trained: int) -> None:
    net = model()
    net(torch.randn(8, 4))
    assert len(list(net.parameters())) == trained
