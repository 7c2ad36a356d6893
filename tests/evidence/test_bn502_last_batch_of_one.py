"""BN502: torch refuses to train a BatchNorm on a last batch of one, unless it has positions."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

RAISED = "Expected more than 1 value per channel when training"


def vectors() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))


def pooled() -> nn.Module:
    pooling = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8))
    return nn.Sequential(pooling, nn.Flatten(), nn.Linear(8, 2))


def maps() -> nn.Module:
    layers = nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 2))


def train(net: nn.Module, samples: int, **options: bool) -> int:
    """The number of batches of one epoch in batches of 16, all of which are trained on."""
    data = TensorDataset(torch.randn(samples, 3, 4, 4), torch.randint(2, (samples,)))
    optimizer, count = torch.optim.SGD(net.parameters(), lr=0.1), 0
    for images, labels in DataLoader(data, batch_size=16, shuffle=True, **options):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
        count += 1
    return count


@pytest.mark.parametrize("net", [vectors, pooled])
def test_one_sample_that_is_left_over_is_refused(net: object) -> None:
    assert callable(net)
    with pytest.raises(ValueError, match=RAISED):
        train(net(), 81)
    assert train(net(), 81, drop_last=True) == 5
    assert train(net(), 80) == 5
    assert train(net(), 82) == 6


def test_a_map_has_positions_enough() -> None:
    assert train(maps(), 81) == 6
