"""What rules say of programs whose parts stand in several files, which no page can show."""

from pathlib import Path

import pytest

from bnlint.finding import Finding
from bnlint.lint import engine
from bnlint.lint.files import Patterns, find

AVERAGES = """\
import copy
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from averaging import finish, follow


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(20)
        self.head = nn.Linear(20, 3)

    def forward(self, inputs):
        return self.head(self.norm(inputs))


net = Net()
average = copy.deepcopy(net).eval()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
data = TensorDataset(torch.randn(256, 20), torch.randint(3, (256,)))
loader = DataLoader(data, batch_size=64, shuffle=True, drop_last=True)
for inputs, labels in loader:
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(inputs), labels).backward()
    optimizer.step()
    follow(average, net)
finish(average, net)
with torch.no_grad():
    print((average(torch.randn(64, 20)).argmax(1) == 0).sum().item())
"""
AVERAGING = """\
from copying import bring_along


def follow(average, net):
    for a, p in zip(average.parameters(), net.parameters()):
        a.data.lerp_(p.data, 0.1)


def finish(average, net):
    bring_along(average, net)
"""
WAYS = {
    "nothing": "pass",
    "buffers": "for a, b in zip(average.buffers(), net.buffers()):\n        a.copy_(b)",
    "by name": "for (_, a), (_, b) in zip(average.named_buffers(), net.named_buffers()):\n"
    "        a.copy_(b)",
    "one statistic": "average.norm.running_mean.copy_(net.norm.running_mean)",
    "the whole state": "live = net.state_dict()\n"
    "    for name, value in average.state_dict().items():\n        value.copy_(live[name])",
}


def findings(folder: Path, files: dict[str, str]) -> list[Finding]:
    for name, code in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(code, encoding="utf-8")
    targets = find([str(folder)], Patterns.of(folder, ())).targets
    return list(engine.lint(targets, engine.default_plan()).findings)


@pytest.mark.parametrize("way", WAYS)
def test_statistics_that_another_file_brings_along(way: str, tmp_path: Path) -> None:
    copying = f"def bring_along(average, net):\n    {WAYS[way]}\n"
    files = {"train.py": AVERAGES, "averaging.py": AVERAGING, "copying.py": copying}
    rules = [finding.rule for finding in findings(tmp_path, files)]
    assert rules.count("BN402") == (way == "nothing"), rules


EXPORTING = """\
import torch


def export(net, path):
    traced = torch.jit.trace(net, torch.randn(2, 20))
    traced.save(path)
"""
EXPORTS = """\
from torch import nn
from exporting import export

net = nn.Sequential(nn.Linear(20, 8, bias=False), nn.BatchNorm1d(8), nn.BatchNorm1d(8))
{}
export(net, "net.pt")
"""


def test_a_shared_export_gives_the_mode_back(tmp_path: Path) -> None:
    files = {"convert.py": EXPORTS.format("print(net)"), "exporting.py": EXPORTING}
    (found,) = findings(tmp_path, files)
    assert found.rule == "BN311"
    assert found.fix is not None
    inserted = "".join(edit.text for edit in found.fix.edits)
    assert "net_was_training = net.training" in inserted
    assert "net.train(net_was_training)" in inserted


def test_a_shared_export_thaws_no_part(tmp_path: Path) -> None:
    files = {"convert.py": EXPORTS.format("net[1].eval()"), "exporting.py": EXPORTING}
    (found,) = findings(tmp_path, files)
    assert (found.rule, found.fix) == ("BN311", None)


NETS = """\
from torch import nn


class Small(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, 2))


class Large(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 9, 3), nn.BatchNorm2d(9), nn.Flatten(), nn.Linear(324, 2))
"""
TRAINED = """\
import torch
from nets import Small

net = Small()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(100):
    optimizer.zero_grad()
    net(torch.randn(8, 3, 8, 8)).square().mean().backward()
    optimizer.step()
torch.save(net.state_dict(), "small.pt")
"""
EVALUATED = """\
import json
import nets
import torch

name = json.load(open("chosen.json"))["name"]
net = nets.__dict__[name]()
net.load_state_dict(torch.load("weights.pt"))
net.eval()
with torch.no_grad():
    print(net(torch.randn(8, 3, 8, 8)).argmax(1))
"""


def test_one_of_the_models_that_are_loaded_is_trained(tmp_path: Path) -> None:
    """Those that are not may be, under an option: their biases are no published weights."""
    files = {"nets": NETS, "train": TRAINED, "evaluate": EVALUATED}
    for name, code in files.items():
        (tmp_path / f"{name}.py").write_text(code)
    targets = find([str(tmp_path)], Patterns.of(tmp_path, ())).targets
    found = engine.lint(targets, engine.default_plan()).findings
    assert [(f.rule, f.span.line) for f in found] == [("BN201", 6), ("BN201", 11)]


@pytest.mark.parametrize("given", ["net", "module=net", "model=net"])
def test_wrappers_take_their_model_by_any_name(tmp_path: Path, given: str) -> None:
    code = f"from torch.optim.swa_utils import AveragedModel\nfrom nets import Small\nnet = Small()\naverage = AveragedModel({given})\n"
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "average.py").write_text(code)
    targets = find([str(tmp_path)], Patterns.of(tmp_path, ())).targets
    assert {f.rule for f in engine.lint(targets, engine.default_plan()).findings} == {"BN201"}


ZOO = """\
import torch
from torch import nn


def layers(width):
    return nn.Sequential(nn.Conv2d(3, width, 3, bias=False), nn.BatchNorm2d(width))


class Net(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.features = features

    def forward(self, x):
        return self.features(x).mean((2, 3))


""" + "\n\n".join(f"def net{n}():\n    return Net(layers({n}))" for n in range(8, 17))
CHOSEN = """\
import sys
import zoo
import torch
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10

net = zoo.__dict__[sys.stdin.read()]()
train_loader = DataLoader(CIFAR10("data", train=True), 64, shuffle=True)
val_loader = DataLoader(CIFAR10("data", train=False), 64)
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for epoch in range(9):
    net.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        print(sum((net(x).argmax(1) == y).sum() for x, y in val_loader))
"""


def test_what_makes_a_part_is_none_of_many_models(tmp_path: Path) -> None:
    (tmp_path / "zoo.py").write_text(ZOO)
    (tmp_path / "train.py").write_text(CHOSEN)
    targets = find([str(tmp_path)], Patterns.of(tmp_path, ())).targets
    found = engine.lint(targets, engine.default_plan()).findings
    assert [(f.rule, f.span.line) for f in found] == [("BN301", 18)]


FIXUP = """\
import numpy as np
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x):
        return x + self.second(self.first(x).relu())


class Net(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.blocks = nn.Sequential(*[Block(16) for _ in range(depth)])
        for module in self.modules():
            if isinstance(module, Block):
                nn.init.normal_(module.first.weight, std=np.sqrt(2 / (16 * 9)))
                nn.init.constant_(module.second.weight, 0)

    def forward(self, x):
        return self.blocks(x)


def small():
    return Net(18)


def large():
    return Net(40)
"""
EITHER = """\
import sys
import torch
import models

net = models.__dict__[sys.argv[1]]()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x in batches:
    net(x).sum().backward()
    optimizer.step()
"""


@pytest.mark.parametrize("zeros", [True, False])
def test_one_model_or_another_begins_as_its_constructor_says(tmp_path: Path, zeros: bool) -> None:
    nets = FIXUP if zeros else FIXUP.replace("weight, 0)", "weight, 0.5)")
    files = {
        "train.py": EITHER,
        "models/__init__.py": "from .nets import *\n",
        "models/nets.py": nets,
    }
    found = findings(tmp_path, files)
    assert ("BN801" in {finding.rule for finding in found}) is not zeros
