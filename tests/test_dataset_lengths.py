"""How many samples there are in the datasets of loaders."""

import pytest

from bnlint.facts.types.loader_events import LoaderIterated
from tests.rehearsing import main_run, rehearse

SETUP = """
from torch.utils.data import ConcatDataset, Subset, TensorDataset, random_split
from torchvision.datasets import CIFAR10, FakeData, FashionMNIST, ImageFolder
class Counted(Dataset):
    def __init__(self, count):
        self.items = list(range(count))
    def __len__(self):
        return len(self.items)
    def __getitem__(self, index):
        return self.items[index]
class Listed(Dataset):
    def __init__(self, folder):
        self.items = open(folder).read().split()
    def __len__(self):
        return len(self.items)
    def __getitem__(self, index):
        return self.items[index]
tensors = TensorDataset(torch.randn(50, 4), torch.randint(3, (50,)))
"""


def samples(dataset: str, before: str = "") -> int | None:
    code = f"{before}\nfor x in DataLoader({dataset}):\n    pass\n"
    return next(main_run(rehearse(SETUP + code)).of_type(LoaderIterated)).loader.samples


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("tensors", 50),
        ("Counted(12)", 12),
        ("[1, 2, 3]", 3),
        ("CIFAR10('.')", 50_000),
        ("FashionMNIST('.', train=False)", 10_000),
        ("FashionMNIST('.', False)", 10_000),
        ("FakeData(80)", 80),
        ("FakeData()", 1000),
        ("Subset(tensors, range(7))", 7),
        ("ConcatDataset([tensors, Counted(5)])", 55),
        ("random_split(tensors, [40, 10])[0]", 40),
        ("random_split(tensors, [0.75, 0.25])[0]", 38),
        ("random_split(tensors, [0.75, 0.25])[1]", 12),
    ],
)
def test_a_known_number(dataset: str, expected: int) -> None:
    assert samples(dataset) == expected


@pytest.mark.parametrize(
    "dataset",
    [
        "Listed('list.txt')",
        "ImageFolder('.')",
        "CIFAR10('.', train=wanted)",
        "CIFAR10(**options)",
        "ConcatDataset([tensors, Listed('list.txt')])",
        "Subset(tensors, wanted)",
        "random_split(Listed('list.txt'), [0.75, 0.25])[0]",
        "TensorDataset(torch.load('inputs.pt'))",
        "data",
    ],
)
def test_an_unknown_number(dataset: str) -> None:
    assert samples(dataset) is None
