"""BN514: from batches of one class each, a network with BatchNorm does not learn to tell classes."""

import pytest

pytest.importorskip("torch")

import random
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

CLASSES = 10
OF_EACH = 64


class Blobs(IterableDataset[tuple[Tensor, int]]):
    """Samples around a mean for each class, class after class; in each epoch in another order of them."""

    def __init__(self, *, mixed: bool) -> None:
        self.mixed = mixed
        self.means = 3 * torch.randn(CLASSES, 16, generator=torch.Generator().manual_seed(0))

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        labels = [label for label in torch.randperm(CLASSES).tolist() for _ in range(OF_EACH)]
        if self.mixed:
            random.Random(0).shuffle(labels)
        for label in labels:
            yield self.means[label] + torch.randn(16), label


def accuracy(norm: nn.Module, *, mixed: bool) -> float:
    """In eval mode, after a training on a stream."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 32), norm, nn.ReLU(), nn.Linear(32, CLASSES))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
    loader = DataLoader(Blobs(mixed=mixed), batch_size=OF_EACH)
    for _ in range(40):
        for samples, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(samples), labels).backward()
            optimizer.step()
    net.eval()
    right = sum(int((net(x).argmax(1) == y).sum()) for x, y in loader)
    return right / CLASSES / OF_EACH


def test_batches_of_one_class_do_not_tell_it_from_others() -> None:
    assert accuracy(nn.BatchNorm1d(32), mixed=False) < 0.3
    assert accuracy(nn.BatchNorm1d(32), mixed=True) > 0.9
    assert accuracy(nn.LayerNorm(32), mixed=False) > 0.9
    assert accuracy(nn.Identity(), mixed=False) > 0.9
