"""BN409: much of what pruning costs comes from running statistics of the whole weights."""

from itertools import pairwise

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.optim.swa_utils import update_bn


def data(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs, and which of three sums of theirs is the largest."""
    inputs = torch.randn(1024, 20, generator=torch.Generator().manual_seed(seed)) + 1
    return inputs, inputs[:, :18].reshape(-1, 3, 6).sum(2).argmax(1)


def accuracy_of(net: nn.Module) -> float:
    inputs, labels = data(1)
    with torch.no_grad():
        return (net.eval()(inputs).argmax(1) == labels).float().mean().item()


def trained() -> nn.Sequential:
    torch.manual_seed(0)
    sizes = (20, 64, 64, 64)
    hidden = [
        layer
        for before, after in pairwise(sizes)
        for layer in (nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU())
    ]
    net = nn.Sequential(*hidden, nn.Linear(64, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    inputs, labels = data(0)
    for _ in range(20):
        for batch in torch.randperm(1024).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    return net


def test_statistics_of_their_own_give_accuracy_back() -> None:
    net = trained()
    whole = accuracy_of(net)
    for layer in net[:-1]:
        if isinstance(layer, nn.Linear):
            prune.l1_unstructured(layer, name="weight", amount=0.8)
    pruned = accuracy_of(net)
    update_bn(data(0)[0].split(64), net)
    recalibrated = accuracy_of(net)
    assert whole > recalibrated > pruned + 0.1
    assert recalibrated - pruned > (whole - pruned) / 3
