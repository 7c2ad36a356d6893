"""Fixes that fit one model, in code that is there for any."""

from pathlib import Path

import pytest

import bnlint
from bnlint.finding import Applicability

ENGINE = """
from torch import nn

def train_step(model, loader, optimizer):
    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
"""
SCRIPT = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.models import efficientnet_b0
from torchvision.transforms import ToTensor
{engine}
net = efficientnet_b0(weights="DEFAULT")
for parameter in net.features.parameters():
    parameter.requires_grad = False
loader = DataLoader(ImageFolder("data", ToTensor()), batch_size=32, shuffle=True, drop_last=True)
train_step(net, loader, torch.optim.SGD(net.classifier.parameters(), lr=0.1))
"""


@pytest.mark.parametrize(
    ("engine", "level"),
    [
        (ENGINE, Applicability.SAFE),
        ("from engine import train_step", Applicability.UNSAFE),
    ],
)
def test_a_part_is_named_in_a_file_that_freezes_it(
    tmp_path: Path, engine: str, level: Applicability
) -> None:
    (tmp_path / "engine.py").write_text(ENGINE)
    (tmp_path / "train.py").write_text(SCRIPT.format(engine=engine))
    (finding,) = bnlint.lint_paths([tmp_path])
    assert finding.fix is not None
    assert (finding.rule, finding.fix.applicability) == ("BN701", level)
