"""What is in a plain list runs, and is missing wherever torch goes through a module's parts."""

from collections.abc import Callable, Sequence

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, keep: Callable[[Sequence[nn.Module]], Sequence[nn.BatchNorm1d]]) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norms = keep([nn.BatchNorm1d(4), nn.BatchNorm1d(4)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norms[1](self.norms[0](self.linear(x)))


@pytest.mark.parametrize(("keep", "registered"), [(list, False), (nn.ModuleList, True)])
def test_only_registered_layers_are_found(
    keep: Callable[[Sequence[nn.Module]], Sequence[nn.BatchNorm1d]], registered: bool
) -> None:
    net = Net(keep)
    net.eval()
    assert [norm.training for norm in net.norms] == [not registered] * 2
    assert len(list(net.parameters())) == (6 if registered else 2)
    assert any("running_mean" in key for key in net.state_dict()) == registered
    net.double()
    assert (net.norms[0].weight.dtype == torch.float64) == registered
