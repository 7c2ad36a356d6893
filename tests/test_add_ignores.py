"""``--add-ignores``: after it nothing is told, the program is the same, and no comment is idle."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.finding import Finding, Severity, Span
from bnlint.lint.fixer import edited
from bnlint.lint.ignore_comments import edits_of
from tests.conftest import Run

Write = Callable[..., Path]
HEAD = "import torch\nfrom torch import nn\n"
USE = "net(torch.rand(2, 3, 9, 9))\n"
PLACES = {
    "a line": "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, momentum=0.99))\n",
    "several lines": (
        "net = nn.Sequential(\n    nn.Conv2d(3, 8, 3),\n    nn.BatchNorm2d(8, momentum=0.99),\n)\n"
    ),
    "a comment": "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))  # small\n",
    "a comment for other rules": (
        "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, momentum=0.99))"
        "  # bnlint: ignore[BN102] as in TensorFlow\n"
    ),
    "a continuation": (
        "net = \\\n    nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)); x = \\\n  1\n"
    ),
    "before a continuation": "net = nn.Sequential(nn.Conv2d(3, 8, 3), \\\n    nn.BatchNorm2d(8))\n",
    "a string that goes on": (
        "if True:\n    net, a = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), '''\n'''\n"
    ),
    "two statements": "x = 1; net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)); y = 2\n",
    "blanks at the end": "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))   \n",
    "Windows": "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))\r\n",
}


@pytest.mark.parametrize("code", PLACES.values(), ids=PLACES)
def test_what_is_found_is_silenced(project: Write, run: Run, code: str) -> None:
    root = project({"train.py": (HEAD + code + USE).encode()})
    assert "BN201" in run("train.py", "--format", "concise").out
    done = run("train.py", "--add-ignores")
    assert done.status == 0
    assert done.out.startswith("Silenced ")
    again = run("train.py", "--format", "concise", "--report-unused-ignores")
    assert "All clear" in again.out, again.out
    after = (root / "train.py").read_bytes().decode()
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(HEAD + code + USE))
    assert ("\r\n" in code) == ("\r\n" in after)
    assert run("train.py", "--add-ignores").out == "Silenced 0 problems in 0 files.\n"


def test_a_comment_gets_more_rules_and_keeps_its_reason(project: Write, run: Run) -> None:
    root = project({"train.py": HEAD + PLACES["a comment for other rules"] + USE})
    run("train.py", "--add-ignores")
    assert "# bnlint: ignore[BN102, BN201] as in TensorFlow\n" in (root / "train.py").read_text()


def test_what_is_in_the_baseline_stays_without_a_comment(project: Write, run: Run) -> None:
    root = project({"train.py": HEAD + PLACES["a line"] + USE})
    run(".", "--write-baseline", "known.json")
    assert "Silenced 0 problems" in run(".", "--baseline", "known.json", "--add-ignores").out
    assert "bnlint:" not in (root / "train.py").read_text()


def test_cells_of_a_notebook_get_comments(project: Write, run: Run) -> None:
    source = [*(HEAD + PLACES["a line"] + USE).splitlines(keepends=True)]
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    root = project({"a.ipynb": json.dumps(notebook, indent=1) + "\n"})
    assert "Silenced 2 problems in 1 file" in run("a.ipynb", "--add-ignores").out
    (cell,) = json.loads((root / "a.ipynb").read_text())["cells"]
    assert any("# bnlint: ignore[" in line for line in cell["source"])
    assert "All clear" in run("a.ipynb").out


@pytest.mark.parametrize(
    "others", [["--fix"], ["--diff"], ["--write-baseline", "x.json"], ["--stdin-filename", "a.py"]]
)
def test_it_goes_with_nothing_else_that_writes(project: Write, run: Run, others: list[str]) -> None:
    project({"train.py": HEAD})
    path = "-" if "--stdin-filename" in others else "train.py"
    printed = run(path, "--add-ignores", *others)
    assert printed.status == 2
    assert printed.err.startswith("error: `--add-ignores` does not go with")


@pytest.mark.parametrize("option", [["--add-ignores"], ["--write-baseline", "known.json"]])
def test_a_summary_is_written_whatever_becomes_of_the_findings(
    project: Write, run: Run, option: list[str]
) -> None:
    root = project({"train.py": HEAD + PLACES["a line"] + USE})
    run("train.py", *option, "--summary", "summary.json")
    assert json.loads((root / "summary.json").read_text())


def test_nothing_outside_the_project_is_written(project: Write, run: Run) -> None:
    net = "from torch import nn\ndef make():\n    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))\n"
    root = project(
        {"a/pyproject.toml": "", "a/train.py": HEAD + f"import net\nnet.make()({USE[4:]}"}
    )
    (root / "net.py").write_text(net)
    (root / "a/net.py").symlink_to("../net.py")
    run("a", "--add-ignores")
    assert (root / "net.py").read_text() == net


PIECES = [
    "x = 1",
    "x = '''",
    "'''",
    "y = (",
    ")",
    "# z",
    "",
    "if x:",
    "    y = 2",
    "\\",
    "@f",
    "def f(): pass",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sets(st.integers(1, 12), max_size=4))
def test_whatever_a_file_holds_it_stays_the_same_program(
    pieces: list[str], lines: set[int]
) -> None:
    text = "\n".join(pieces) + "\n"
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    findings = [
        Finding("BN201", "bias-before-batchnorm", Severity.ADVICE, "m", Span("a", 0, 0, n, 1, n, 1))
        for n in sorted(lines)
        if n <= len(pieces)
    ]
    after = edited(text, edits_of(text, "a", findings))
    assert after is not None
    assert ast.dump(ast.parse(after)) == ast.dump(tree)
