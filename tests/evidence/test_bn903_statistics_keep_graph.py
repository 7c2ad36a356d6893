"""BN903: a running average of what has a gradient holds the graphs of all batches."""

import copy
from collections.abc import Callable

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, update: Callable[["Net", torch.Tensor], None], *, by_running: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("mean", torch.zeros(4))
        self.update, self.by_running = update, by_running

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear(x)
        mean = x.mean(0)
        self.update(self, mean)
        return x - (self.mean if self.by_running else mean)


def assigned(net: Net, mean: torch.Tensor) -> None:
    net.mean = 0.9 * net.mean + 0.1 * mean


def in_place(net: Net, mean: torch.Tensor) -> None:
    net.mean.mul_(0.9).add_(0.1 * mean)


def interpolated(net: Net, mean: torch.Tensor) -> None:
    net.mean.lerp_(mean, 0.1)


def augmented(net: Net, mean: torch.Tensor) -> None:
    net.mean *= 0.9
    net.mean += 0.1 * mean


def into_a_slice(net: Net, mean: torch.Tensor) -> None:
    net.mean[:] = 0.9 * net.mean + 0.1 * mean


KEEPING = [assigned, in_place, interpolated, augmented, into_a_slice]


def detached(net: Net, mean: torch.Tensor) -> None:
    net.mean = (0.9 * net.mean + 0.1 * mean).detach()


def of_the_statistic(net: Net, mean: torch.Tensor) -> None:
    net.mean.mul_(0.9).add_(0.1 * mean.detach())


def in_place_of_what_is_detached(net: Net, mean: torch.Tensor) -> None:
    net.mean.detach().mul_(0.9).add_(0.1 * mean)


def into_data(net: Net, mean: torch.Tensor) -> None:
    net.mean.data.mul_(0.9).add_(0.1 * mean)


def data_assigned(net: Net, mean: torch.Tensor) -> None:
    net.mean.data = 0.9 * net.mean + 0.1 * mean


def without_gradients(net: Net, mean: torch.Tensor) -> None:
    with torch.no_grad():
        net.mean.mul_(0.9).add_(0.1 * mean)


def afterwards(net: Net, mean: torch.Tensor) -> None:
    net.mean = 0.9 * net.mean + 0.1 * mean
    net.mean = net.mean.detach()


CUTTING = [
    detached, of_the_statistic, in_place_of_what_is_detached, into_data, data_assigned,
    without_gradients, afterwards,
]  # fmt: skip


def depth(tensor: torch.Tensor) -> int:
    """The nodes of a tensor's graph."""
    seen, pending = set(), [tensor.grad_fn]
    while pending:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            pending += [following for following, _ in node.next_functions]
    return len(seen)


def trained(net: Net, steps: int) -> int:
    torch.manual_seed(0)
    for _ in range(steps):
        net(torch.randn(8, 4)).pow(2).sum().backward()
    return depth(net.mean)


@pytest.mark.parametrize("update", KEEPING)
def test_the_graph_grows(update: Callable[[Net, torch.Tensor], None]) -> None:
    few, many = (trained(Net(update, by_running=False), steps) for steps in (5, 50))
    assert many - few >= 45 * 2


@pytest.mark.parametrize("update", CUTTING)
def test_there_is_none_where_it_is_cut_off(update: Callable[[Net, torch.Tensor], None]) -> None:
    net = Net(update, by_running=False)
    assert trained(net, 5) == 0
    copy.deepcopy(net)


@pytest.mark.parametrize("update", KEEPING)
def test_such_a_model_cannot_be_copied(update: Callable[[Net, torch.Tensor], None]) -> None:
    net = Net(update, by_running=False)
    trained(net, 1)
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(net)


def test_the_second_backward_through_it_fails() -> None:
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        trained(Net(assigned, by_running=True), 2)


def test_all_ways_compute_the_same() -> None:
    means = []
    for update in (*KEEPING, *CUTTING):
        torch.manual_seed(1)
        net = Net(update, by_running=False)
        trained(net, 3)
        means.append(net.mean.detach())
    assert all(torch.allclose(mean, means[0]) for mean in means)


def test_data_without_gradients_leaves_no_graph() -> None:
    norm = Net(assigned, by_running=False)
    norm.linear.requires_grad_(False)
    norm(torch.randn(8, 4))
    assert depth(norm.mean) == 0
