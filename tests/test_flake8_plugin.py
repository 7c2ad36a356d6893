"""The flake8 plug-in, by flake8 itself and by its interface."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from bnlint.flake8_plugin import Plugin

Write = Callable[..., Path]
MODEL = "from torch import nn\n\nnet = nn.Sequential(nn.BatchNorm2d(8, momentum=0.99))\n"
TRAIN = """\
import torch
from torch import nn
from torch.utils.data import DataLoader

from evaluate import validate

net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for epoch in range(9):
    net.train()
    for x, y in DataLoader(train_set, 64, shuffle=True):
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    validate(net, DataLoader(val_set, 64))
"""
EVALUATE = """\
import torch


def validate(net, loader):
    with torch.no_grad():
        for x, y in loader:
            correct = (net(x).argmax(1) == y).sum()
"""


def found(file: str, text: str | None = None) -> list[tuple[int, int, str]]:
    lines = (Path(file).read_text() if text is None else text).splitlines(keepends=True)
    problems = [*Plugin(None, file, lines).run()]
    assert all(kind is Plugin for *_, kind in problems)
    return [(line, column, text.partition(" ")[0]) for line, column, text, _ in problems]


@pytest.mark.skipif(
    not entry_points(group="flake8.extension", name="BN"), reason="installed before it had one"
)
def test_flake8_reports_it(project: Write) -> None:
    pytest.importorskip("flake8")
    project({"model.py": MODEL, "plain.py": "x = 1\n"})
    command = [sys.executable, "-m", "flake8", "--select=BN"]
    done = subprocess.run([*command, "."], capture_output=True, text=True)
    assert done.stdout.startswith("./model.py:3:48: BN102 `momentum=0.99` gives"), done.stderr
    assert done.stdout.count("\n") == 1
    done = subprocess.run([*command, "-"], input=MODEL, capture_output=True, text=True)
    assert done.stdout.startswith("stdin:3:48: BN102 ")


def test_lines_and_columns_are_flake8s(project: Write) -> None:
    project({"model.py": MODEL})
    assert found("model.py") == [(3, MODEL.splitlines()[2].index("0.99"), "BN102")]
    assert found("./model.py") == found("model.py")


def test_what_an_editor_has_is_linted_instead_of_the_file(project: Write) -> None:
    project({"model.py": MODEL})
    assert found("model.py", MODEL.replace("0.99", "0.1")) == []
    assert found("new.py", f"\n{MODEL}")[0][0] == 4


def test_what_a_caller_proves_is_told_at_the_call(project: Write) -> None:
    project({"train.py": TRAIN, "evaluate.py": EVALUATE})
    (problem,) = [text for *_, text, _ in Plugin(None, "train.py", TRAIN.splitlines(True)).run()]
    assert problem.startswith("BN301 ")
    assert problem.endswith("(evaluate.py:7)")
    assert found("train.py") == [(14, 4, "BN301")]
    assert found("evaluate.py") == []


def test_the_projects_configuration_counts(project: Write) -> None:
    table = '[tool.bnlint]\nfail-on = "error"\n'
    project({"pyproject.toml": table, "model.py": MODEL})
    assert found("model.py") == []
    project({"pyproject.toml": '[tool.bnlint]\nexclude = ["model.py"]\n'})
    assert found("model.py") == []
    project({"pyproject.toml": "[tool.bnlint]\nsurprise = 1\n"})
    assert found("model.py") == [(1, 0, "BN000")]
