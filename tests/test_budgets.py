"""Budgets end what would be endless, not what is long, and say so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlint import pages, registry
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, is_training
from bnlint.interpreter import entry_points, unreached
from bnlint.interpreter.core import budget
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
    monkeypatch.setattr(unreached, "LEAST_STEPS", 100)
    monkeypatch.setattr(unreached, "MOST_FILE_STEPS", 2_000)
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


UNFINISHED = """
import sys
import torch
import yaml
from torch import nn
class Pyramid(nn.Module):
    def __init__(self, levels, width):
        super().__init__()
        self.levels = levels
        self.downs = nn.ModuleList()
        for _ in range(len(levels) - 1):
            self.downs.append(nn.Sequential(nn.Conv2d(width, width, 3, bias=False), nn.BatchNorm2d(width)))
    def forward(self, x):
        for index in range(len(self.levels) - 1):
            x = self.downs[index](x)
        return x
net = Pyramid(**yaml.safe_load(open(sys.argv[1])))
net(torch.rand(1, 3, 8, 8))
"""
CUTS = ["BN306", "BN308", "BN311", "BN315", "BN411", "BN413", "BN505"]


def rules_of(code: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setattr(entry_points, "MAIN_STEPS", steps)
    return {finding.rule for finding in engine.lint_text(code, rules=registry.rules().values())}


@pytest.mark.parametrize("steps", range(60, 200, 10))
def test_a_model_whose_constructor_was_cut_is_not_followed(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_points, "MAIN_LINE_STEPS", 0)
    assert "BN206" not in rules_of(UNFINISHED, steps, monkeypatch)


@pytest.mark.parametrize("rule", CUTS)
def test_what_a_cut_leaves_open_is_not_reported(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_points, "MAIN_LINE_STEPS", 0)
    page = pages.parse((Path(__file__).parent / "cases" / f"{rule}.md").read_text("utf-8"))
    for example in page.of("Good"):
        whole = rules_of(example.code, 100_000, monkeypatch)
        for steps in (100, 160, 240, 350):
            found = rules_of(example.code, steps, monkeypatch)
            assert {"BN301", rule}.isdisjoint(found - whole), (example.heading, steps)


COSTLY = """
def prepare(depth):
    for first in range(2):
        for second in range(2):
            total = depth + first * second
    return prepare(depth - 1) + prepare(depth - 1) if depth else []
class Data(torch.utils.data.Dataset):
    def __init__(self):
        self.items = prepare(8)
    def __len__(self):
        return len(self.items)
    def __getitem__(self, index):
        return self.items[index]
"""


@pytest.mark.parametrize("costly", [300, 1_000_000])
def test_a_function_that_takes_too_long_for_nothing_is_given_up(
    costly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "COSTLY", costly)
    monkeypatch.setattr(entry_points, "MAIN_STEPS", 2_000)
    code = f"{HEAD}{COSTLY}{TRAINING.format(number=0)}{CALL.format(number=0)}"
    result = engine.lint([engine.example(code)], engine.default_plan())
    (run,) = [run for run in result.runs if run.main]
    assert run.complete == (costly == 300)
    assert any(run.of_type(Forward)) == run.complete


OFTEN = """
def prepared(record):
    for first in range(4):
        for second in range(4):
            record = [first, record, second]
    return record
class Data(torch.utils.data.Dataset):
    def __init__(self):
        self.items = [{items}]
    def __len__(self):
        return len(self.items)
    def __getitem__(self, index):
        return self.items[index]
"""


@pytest.mark.parametrize("costly", [300, 1_000_000])
def test_a_function_whose_calls_take_too_long_for_nothing_is_given_up(
    costly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "COSTLY_IN_ALL", costly)
    monkeypatch.setattr(entry_points, "MAIN_STEPS", 4_000)
    monkeypatch.setattr(entry_points, "MAIN_LINE_STEPS", 0)
    prepared = OFTEN.replace("{items}", ", ".join(f"prepared([{n}])" for n in range(100)))
    code = f"{HEAD}{prepared}{TRAINING.format(number=0)}{CALL.format(number=0)}"
    result = engine.lint([engine.example(code)], engine.default_plan())
    (run,) = [run for run in result.runs if run.main]
    assert run.complete == (costly == 300)
    assert any(run.of_type(Forward)) == run.complete


NEEDED = {
    "what gets a module": """
def busy(layer):
    for first in range(4):
        for second in range(4):
            size = [first, second]
for _ in range(12):
    busy(net)
""",
    "what makes an object": """
class Busy:
    def __init__(self):
        for first in range(4):
            for second in range(4):
                self.training = first > second + 4
for _ in range(12):
    made = Busy()
net.train(made.training)
""",
    "what does something with one": """
def busy(images):
    for first in range(4):
        for second in range(4):
            size = [first, second]
    return net(images)
"""
    + "busy(torch.rand(8, 3, 8, 8))\n" * 12,
}


@pytest.mark.parametrize("code", NEEDED.values(), ids=NEEDED)
def test_what_would_be_missed_is_not_given_up(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "COSTLY_IN_ALL", 100)
    built = "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))\nnet.eval()\n"
    result = engine.lint(
        [engine.example(f"{HEAD}{built}{code}net(torch.rand(8, 3, 8, 8))\n")], engine.default_plan()
    )
    (run,) = result.runs
    forwards = [*run.of_type(Forward)]
    assert len(forwards) == (13 if "return net" in code else 1)
    assert {is_training(forward.mode) for forward in forwards} == {Known.NO}


PREPARED = """
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
calls = []
def prepared({parameters}):
    calls.append(depth)
    for first in range(2):
        for second in range(2):
            total = depth + first * second
    if depth:
        prepared({inner})
        prepared({inner})
    if depth == 9:
        {network}.eval()
prepared({outer})
net(torch.rand(4, 3, 8, 8))
"""


@pytest.mark.parametrize("how", ["given", "global"])
def test_what_a_function_that_was_given_up_may_change_is_not_known(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "COSTLY", 300)
    monkeypatch.setattr(entry_points, "MAIN_STEPS", 2_000)
    given = {
        "parameters": "one, depth",
        "inner": "one, depth - 1",
        "network": "one",
        "outer": "net, 9",
    }
    known = {"parameters": "depth", "inner": "depth - 1", "network": "net", "outer": "9"}
    code = HEAD + PREPARED.format(**(given if how == "given" else known))
    (run,) = engine.lint([engine.example(code)], engine.default_plan()).runs
    (forward,) = run.of_type(Forward)
    assert run.complete
    assert is_training(forward.mode) is Known.UNKNOWN


LONG_EVALUATION = """
loader = torch.utils.data.DataLoader(Data(), batch_size=64, shuffle=True)
val_loader = torch.utils.data.DataLoader(Data(), batch_size=64)
net = nn.Sequential(nn.Conv2d(8, 8, 3, bias=False), nn.BatchNorm2d(8))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
def train():
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x).mean((2, 3)), y).backward()
        optimizer.step()
def test():
    correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            correct += (net(x).mean((2, 3)).argmax(1) == y).sum().item()
    return correct
for epoch in range(90):
    train()
    print(test())
"""


@pytest.mark.parametrize("later", range(150, 300, 10))
def test_an_evaluation_of_an_epoch_before_the_cut_is_told(
    later: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the cut is, but never where training may still follow in the loop of a forward."""
    monkeypatch.setattr(entry_points, "MAIN_STEPS", later)
    monkeypatch.setattr(entry_points, "MAIN_LINE_STEPS", 0)
    code = f"{HEAD}class Data(torch.utils.data.Dataset): pass\n{LONG_EVALUATION}"
    result = engine.lint([engine.example(code)], engine.default_plan())
    (run,) = [run for run in result.runs if run.main]
    evaluations = [f for f in run.of_type(Forward) if f.grad is Known.NO]
    if len(evaluations) != 1:
        assert count(code) == bool(evaluations)
