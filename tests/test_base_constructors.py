"""Arguments that a class of the project hands to the constructor of a library class."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Run

Write = Callable[[dict[str, str]], Path]

CLASSES = """\
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler
from torchvision.datasets import ImageFolder


class Norm(nn.BatchNorm2d):
    def __init__(self, channels):
        super().__init__(channels, momentum=0.99)


class Images(DataLoader):
    def __init__(self, size):
        self.size = size
        super().__init__(ImageFolder("train"), batch_size=self.size, shuffle=True)


def sampler(size):
    return BatchSampler(RandomSampler(ImageFolder("train")), batch_size=size, drop_last=True)
"""
SCRIPT = """\
import argparse
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from classes import Images, Norm, sampler

parser = argparse.ArgumentParser()
parser.add_argument("--freeze", action="store_true")
args = parser.parse_args()
net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), Norm(8), nn.ReLU())
if args.freeze:
    net.requires_grad_(False)
net = nn.Sequential(net, nn.Conv2d(8, 8, 1))
optimizer = torch.optim.Adam(net.parameters())
for loader in (Images(4), DataLoader(ImageFolder("train"), batch_sampler=sampler(2))):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x).mean((2, 3)), y).backward()
        optimizer.step()
"""


def test_they_stand_in_the_file_of_the_class(project: Write, run: Run) -> None:
    project({"classes.py": CLASSES, "train.py": SCRIPT})
    said = run("train.py", "--format", "concise").out
    places = set(re.findall(r"(\w+\.py:\d+):\d+: \w+ (BN\d+)", said))
    assert places == {
        ("classes.py:8", "BN102"),
        ("classes.py:14", "BN501"),
        ("train.py:16", "BN501"),
        ("train.py:13", "BN701"),
    }
