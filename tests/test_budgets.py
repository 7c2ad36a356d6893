"""Budgets end what would be endless, not what is long, and say so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlint.interpreter import entry_points
from bnlint.lint import engine

Write = Callable[..., Path]
Run = Callable[..., Any]
HEAD = """\
import torch
from torch import nn
torch.manual_seed(0)
"""
TRAINING = """
def train_{number}(data):
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
    val_loader = torch.utils.data.DataLoader(data, batch_size=64)
    layers = [nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    for _ in range(10):
        layers += [nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    net = nn.Sequential(*layers)
    for epoch in range(90):
        for x, y in loader:
            nn.functional.cross_entropy(net(x).mean((2, 3)), y).backward()
        with torch.no_grad():
            for x, y in val_loader:
                print((net(x).mean((2, 3)).argmax(1) == y).sum())
"""
CALL = "train_{number}(Data())\n"


def count(code: str) -> int:
    return sum(finding.rule == "BN301" for finding in engine.lint_text(code))


@pytest.mark.parametrize("number", [4, 64])
def test_functions_that_nothing_calls_do_not_cost_each_other_their_steps(number: int) -> None:
    code = HEAD + "".join(TRAINING.format(number=i) for i in range(number))
    assert count(code) == number


FACTORY = """
def net_{number}():
    layers = []
    for _ in range({number}):
        layers += [nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*layers)
"""


def test_functions_that_use_a_model_come_before_those_that_build_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entry_points, "LEAST_STEPS", 100)
    monkeypatch.setattr(entry_points, "MOST_FILE_STEPS", 2_000)
    many = "".join(FACTORY.format(number=i) for i in range(1, 40))
    assert count(HEAD + many + TRAINING.format(number=0)) == 1


@pytest.mark.parametrize("number", [4, 48])
def test_a_longer_script_has_more_steps(number: int) -> None:
    parts = [TRAINING.format(number=i) + CALL.format(number=i) for i in range(number)]
    assert count(f"{HEAD}class Data(torch.utils.data.Dataset): pass\n{''.join(parts)}") == number


def test_a_run_that_a_budget_ended_says_so(
    project: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_points, "MAIN_STEPS", 20)
    monkeypatch.setattr(entry_points, "MAIN_LINE_STEPS", 0)
    project({"train.py": HEAD + "net = nn.BatchNorm2d(3)\n" * 40})
    expected = "Not followed to the end: `train.py`, which is too long; what comes after was not"
    printed = run("train.py")
    assert (expected in printed.out, printed.err) == (True, "")
    assert expected in run("train.py", "--format", "json").err
    quiet = run("train.py", "--quiet")
    assert (quiet.out, quiet.err) == ("", "")


def test_a_run_that_ends_says_nothing(project: Write, run: Run) -> None:
    project({"train.py": f"{HEAD}net = nn.BatchNorm2d(3)\n"})
    assert run("train.py").err == ""
