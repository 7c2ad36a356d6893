"""One cause is one finding, with one fix or none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]
Run = Callable[..., Any]
CONSTANT = "MOMENTUM = 0.99\n"
USE = "from torch import nn\nfrom setting import MOMENTUM\nnorm = nn.BatchNorm2d(8, momentum=MOMENTUM)\n"


def test_a_constant_of_two_files_is_one_finding_and_changed_once(project: Write, run: Run) -> None:
    root = project({"setting.py": CONSTANT, "a.py": USE, "b.py": USE})
    printed = run(".")
    assert "Found 1 problem (1 warning) in 1 file." in printed.out
    assert "= note: setting.py:1:12: this is where the value comes from" in printed.out
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
    assert printed.out.startswith(f"{other}:3:35: BN102 `momentum=MOMENTUM` (0.99)")
    assert (root / "setting.py").read_text() == CONSTANT


def test_what_is_ignored_in_one_file_is_reported_in_the_other(project: Write, run: Run) -> None:
    table = "[tool.bnlint.per-file-ignores]\n'a.py' = ['BN102']\n"
    project({"setting.py": CONSTANT, "a.py": USE, "b.py": USE, "pyproject.toml": table})
    assert run(".", "--format", "concise").out.startswith("b.py:3:35: BN102")
