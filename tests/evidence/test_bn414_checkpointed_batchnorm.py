"""Checkpointing updates running statistics twice; a smaller momentum makes up for it."""

from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

Forward = Callable[[nn.Module, torch.Tensor], torch.Tensor]


def network(momentum: float = 0.1) -> nn.Sequential:
    def norm() -> nn.Module:
        return nn.BatchNorm1d(4, momentum=momentum)

    return nn.Sequential(nn.Linear(4, 4), norm(), nn.ReLU(), nn.Linear(4, 4), norm())


def trained(net: nn.Sequential, forward: Forward) -> nn.Sequential:
    torch.manual_seed(0)
    for parameter in net.parameters():
        nn.init.normal_(parameter)
    for _ in range(5):
        forward(net, torch.randn(16, 4, requires_grad=True)).sum().backward()
    return net


def updates(net: nn.Sequential) -> list[int]:
    return [int(m.num_batches_tracked or 0) for m in net if isinstance(m, nn.BatchNorm1d)]


@pytest.mark.parametrize("reentrant", [False, True])
def test_each_step_updates_twice(reentrant: bool) -> None:
    assert updates(trained(network(), lambda net, x: net(x))) == [5, 5]
    net = trained(network(), lambda net, x: checkpoint(net, x, use_reentrant=reentrant))
    assert updates(net) == [10, 10]


def test_the_last_part_of_a_sequence_is_computed_once() -> None:
    def in_parts(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return checkpoint_sequential(net, 2, x, use_reentrant=False)

    assert updates(trained(network(), in_parts)) == [10, 5]


def test_the_square_root_makes_one_update_of_two() -> None:
    plain = trained(network(), lambda net, x: net(x))
    twice = trained(
        network(1 - (1 - 0.1) ** 0.5), lambda net, x: checkpoint(net, x, use_reentrant=False)
    )
    for name, buffer in plain.named_buffers():
        if "running" in name:
            torch.testing.assert_close(twice.get_buffer(name), buffer)
