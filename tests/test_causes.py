"""One cause is one finding, with one fix or none."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bnlint.finding import Applicability, Edit, Finding, Fix, Severity, Span
from bnlint.lint import causes, engine

Write = Callable[..., Path]
Run = Callable[..., Any]
CONSTANT = "MOMENTUM = 0.99\n"
USE = "from torch import nn\nfrom setting import MOMENTUM\nnorm = nn.BatchNorm2d(8, momentum=MOMENTUM)\n"


def test_a_constant_of_two_files_is_one_finding_and_changed_once(project: Write, run: Run) -> None:
    root = project({"setting.py": CONSTANT, "a.py": USE, "b.py": USE})
    printed = run(".")
    assert "Found 1 problem (1 warning) in 1 file." in printed.out
    assert "= note: setting.py:1:12: 0.99 is written here" in printed.out
    assert "= note: b.py:3:35: and here" in printed.out
    assert "Fixed 1 problem in 1 file." in run(".", "--fix", "--unsafe-fixes").out
    assert (root / "setting.py").read_text() == "MOMENTUM = 0.01\n"
    assert (root / "a.py").read_text() == USE


@pytest.mark.parametrize("quiet", ["a.py", "b.py"])
def test_a_use_that_is_meant_keeps_the_constant(project: Write, run: Run, quiet: str) -> None:
    root = project({"setting.py": CONSTANT, "a.py": USE, "b.py": USE})
    (root / quiet).write_text(
        USE.replace("MOMENTUM)", "MOMENTUM)  # bnlint: ignore[BN102] as in TF")
    )
    printed = run(".", "--fix", "--unsafe-fixes", "--format", "concise")
    other = "b.py" if quiet == "a.py" else "a.py"
    assert printed.out.startswith(f"{other}:3:35: warning BN102 ")
    assert "`momentum=MOMENTUM` (0.99)" in printed.out.partition("\n")[0]
    assert (root / "setting.py").read_text() == CONSTANT


def test_what_is_ignored_in_one_file_is_reported_in_the_other(project: Write, run: Run) -> None:
    table = "[tool.bnlint.per-file-ignores]\n'a.py' = ['BN102']\n"
    project({"setting.py": CONSTANT, "a.py": USE, "b.py": USE, "pyproject.toml": table})
    assert run(".", "--format", "concise").out.startswith("b.py:3:35: warning BN102 ")


LAYERS = "from torch import nn\n" + "".join(
    f"norm{number} = nn.BatchNorm2d({number + 8}, momentum=0.9)\n" for number in range(12)
)


def test_a_number_at_many_layers_is_one_finding_with_one_fix(project: Write, run: Run) -> None:
    root = project({"model.py": LAYERS})
    printed = run(".").out
    assert printed.count("BN102 [*]") == 1
    assert printed.count("and here") == 4
    assert "= note: and in 7 more places\n" in printed
    assert "= note: model.py:6:34: and here" not in printed
    assert "help: Use `momentum=0.1` (in 12 places)" in printed
    assert "Fixed 1 problem in 1 file." in run(".", "--fix").out
    assert (root / "model.py").read_text() == LAYERS.replace("0.9", "0.1")


def test_programs_get_all_places(project: Write, run: Run) -> None:
    project({"model.py": LAYERS})
    (finding,) = json.loads(run(".", "--format", "json").out)
    assert [item["line"] for item in finding["evidence"]] == list(range(3, 14))


def test_a_layer_whose_number_is_meant_keeps_it(project: Write, run: Run) -> None:
    comment = "  # bnlint: ignore[BN102] it adapts"
    lines = LAYERS.splitlines(keepends=True)
    lines[5] = lines[5].rstrip() + comment + "\n"
    root = project({"model.py": "".join(lines)})
    run(".", "--fix")
    after = (root / "model.py").read_text().splitlines()
    assert after[5].endswith(f"momentum=0.9){comment}")
    assert sum("momentum=0.1" in line for line in after) == 11


def test_numbers_of_two_files_are_two_decisions(project: Write, run: Run) -> None:
    project({"a.py": LAYERS, "b.py": LAYERS})
    assert "Found 2 problems (2 warnings) in 2 files." in run(".").out


SPAN = Span("a.py", 0, 1, 1, 1, 1, 2)
LEVELS = [Applicability.SAFE, Applicability.UNSAFE, Applicability.DISPLAY]


@pytest.mark.parametrize("worst", LEVELS)
@pytest.mark.parametrize("last", [True, False])
def test_a_common_fix_is_as_safe_as_its_least_safe_part(worst: Applicability, last: bool) -> None:
    levels = [Applicability.SAFE, worst] if last else [worst, Applicability.SAFE]
    found = [
        Finding(
            "BN102",
            "tensorflow-momentum",
            Severity.WARNING,
            "text",
            replace(SPAN, start=place),
            fix=Fix("title", (Edit("a.py", place, place + 1, "2"),), level),
            cause="one",
        )
        for place, level in enumerate(levels)
    ]
    (finding,) = causes.joined(found)
    assert finding.fix is not None
    assert finding.fix.applicability is worst
    assert len(finding.fix.edits) == 2


def test_many_changes_are_shown_in_part(project: Write, run: Run) -> None:
    spaced = LAYERS.replace("\nnorm", "\n\n\n\n\n\n\nnorm")
    project({"model.py": spaced})
    printed = run(".").out
    assert printed.count(", momentum=0.1)\n") == 4
    assert "and 8 more changes, which --diff shows\n" in printed
    assert run(".", "--diff").out.count(", momentum=0.1)\n") == 12


def test_a_number_that_is_written_elsewhere_comes_with_the_layer_that_gets_it() -> None:
    code = """
from dataclasses import dataclass
from torch import nn

@dataclass
class Config:
    momentum: float = 0.95

options = dict(momentum=Config().momentum)
net = nn.Sequential(nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8, **options))
"""
    (finding,) = engine.lint_text(code)
    assert (finding.rule, finding.span.line) == ("BN102", 7)
    assert [item.span.line for item in finding.evidence] == [10]


def test_a_function_that_freezes_is_named_with_its_call() -> None:
    code = """
import torch
from torch import nn
from torch.utils.data import DataLoader
import u

def freeze(part):
    for p in part.parameters():
        p.requires_grad = False

net = nn.Sequential(nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8)), nn.Linear(8, 2))
freeze(net[0])
opt = torch.optim.SGD(net[1].parameters(), 0.1)
for x, y in DataLoader(u.d(), 64, shuffle=True, drop_last=True):
    nn.functional.cross_entropy(net(x), y).backward()
    opt.step()
"""
    (finding,) = [f for f in engine.lint_text(code) if f.rule == "BN701"]
    assert "`freeze` is called here and freezes them" in [e.message for e in finding.evidence]
