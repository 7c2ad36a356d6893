"""Notebooks are one program in cell order; what is no Python is passed over, what is no code is kept."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.source import Unreadable, notebook
from tests.conftest import Run

Write = Callable[..., Path]
MODEL = """%matplotlib inline
!pip install torch
import torch
from torch import nn
from torch.utils.data import DataLoader
net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, momentum=0.99), nn.Linear(8, 2))
optimizer = torch.optim.SGD(net.parameters(), 0.1)"""
TRAIN = """%%time
for epoch in range(9):
    for x, y in DataLoader(train_set, 64, shuffle=True):
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()"""
EVALUATE = """with torch.no_grad():
    for x, y in DataLoader(val_set, 64):
        correct = (net(x).argmax(1) == y).sum()
correct?"""


def book(*sources: str, indent: int | None = 1, ascii_only: bool = False) -> str:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title é"]}
    ]
    for source in sources:
        output = {"name": "stdout", "output_type": "stream", "text": ["1e-05\n"], "value": 1e-05}
        cells.append(
            {
                "cell_type": "code",
                "execution_count": 3,
                "metadata": {"tags": []},
                "outputs": [output],
                "source": source.splitlines(keepends=True),
            }
        )
    data = {"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4}
    return json.dumps(data, indent=indent, ensure_ascii=ascii_only) + "\n"


def test_cells_are_one_program(project: Write, run: Run) -> None:
    project({"train.ipynb": book(MODEL, TRAIN, EVALUATE)})
    done = run(".", "--format", "concise", "--no-cache")
    assert "train.ipynb:cell 2:6:65: warning BN102" in done.out
    assert "train.ipynb:cell 4:3:20: warning BN301" in done.out
    assert "Rehearsed 1 script: 1 model with BatchNorm, 1 training loop, 1 evaluation." in done.out


def test_the_report_shows_the_lines_of_the_cell(project: Write, run: Run) -> None:
    project({"train.ipynb": book(MODEL, TRAIN, EVALUATE)})
    out = run("train.ipynb", "--select", "BN301", "--no-cache").out
    assert "3 |         correct = (net(x).argmax(1) == y).sum()" in out
    assert "--> train.ipynb:cell 4:3:20" in out


@pytest.mark.parametrize("indent", [1, 2, None])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_fixes_change_their_cell_alone(
    project: Write, run: Run, indent: int | None, ascii_only: bool
) -> None:
    text = book(MODEL, TRAIN, EVALUATE, indent=indent, ascii_only=ascii_only)
    root = project({"train.ipynb": text})
    run("train.ipynb", "--fix", "--select", "BN102")
    assert (root / "train.ipynb").read_text() == text.replace("momentum=0.99", "momentum=0.01")


def test_a_patch_is_of_the_stored_file(project: Write, run: Run) -> None:
    project({"train.ipynb": book(MODEL)})
    out = run("train.ipynb", "--diff", "--select", "BN102", "--no-cache").out
    changed = [
        line for line in out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert len(changed) == 2
    assert all(json.loads(line[1:].strip().rstrip(",")).startswith("net = ") for line in changed)


def test_lines_can_be_added(project: Write, run: Run) -> None:
    root = project({"train.ipynb": book(MODEL, TRAIN, EVALUATE)})
    run("train.ipynb", "--fix", "--select", "BN301")
    cells = json.loads((root / "train.ipynb").read_text())["cells"]
    code = "".join(line for cell in cells for line in cell["source"])
    assert "net.eval()\n" in code
    assert cells[1]["source"] == MODEL.splitlines(keepends=True)
    assert run("train.ipynb", "--select", "BN301").status == 0


def test_a_notebook_that_is_formatted_otherwise_is_not_written(project: Write, run: Run) -> None:
    text = book(MODEL).replace('"nbformat": 4', '"nbformat":   4')
    root = project({"train.ipynb": text})
    done = run("train.ipynb", "--fix")
    assert "`train.ipynb` is not fixed" in done.err
    assert (root / "train.ipynb").read_text() == text


def test_messages_speak_of_lines_of_cells(project: Write, run: Run) -> None:
    code = "import torch\nfrom torch import nn\n"
    built = "net = nn.Sequential(\n    nn.Linear(4, 8),\n    nn.BatchNorm1d(8),\n)\nnet(torch.ones(2, 4))"
    project({"a.ipynb": book(code, built)})
    (found,) = json.loads(run("a.ipynb", "--select", "BN201", "--format", "json").out)
    assert (found["cell"], found["line"]) == (3, 2)
    assert "`nn.BatchNorm1d(8)` in line 3 of cell 3 subtracts" in found["message"]


def test_json_has_the_cell(project: Write, run: Run) -> None:
    project({"train.ipynb": book(MODEL, TRAIN)})
    (found,) = json.loads(run("train.ipynb", "--select", "BN102", "--format", "json").out)
    assert (found["path"], found["cell"], found["line"]) == ("train.ipynb", 2, 6)
    (edit,) = found["fix"]["edits"]
    assert (edit["cell"], MODEL[edit["start"] : edit["end"]]) == (2, "0.99")


def test_modules_beside_it_are_imported(project: Write, run: Run) -> None:
    net = "from torch import nn\ndef make():\n    return nn.BatchNorm1d(3, momentum=0.99)\n"
    project({"nets.py": net, "a.ipynb": book("import torch\nimport nets\nnet = nets.make()")})
    (found,) = json.loads(run("a.ipynb", "--format", "json").out)
    assert (found["path"], found["line"]) == ("nets.py", 3)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"cells": 3}', '{"torch": []}', "torch"])
def test_what_is_no_notebook_is_one_finding(project: Write, run: Run, content: str) -> None:
    project({"a.ipynb": content})
    done = run("a.ipynb", "--format", "json", "--no-cache")
    (found,) = json.loads(done.out)
    assert (found["rule"], found["path"], done.status) == ("BN000", "a.ipynb", 1)
    assert "no notebook" in found["message"]


def test_one_without_code_is_nothing_to_lint(project: Write, run: Run) -> None:
    project({"a.ipynb": book(), "b.ipynb": '{"cells": [], "torch": 1}', "c.ipynb": book(MODEL)})
    found = json.loads(run(".", "--format", "json", "--no-cache").out)
    assert ("BN102", "c.ipynb") in {(finding["rule"], finding["path"]) for finding in found}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("%matplotlib inline\nx = 1\n", "0                 \nx = 1\n"),
        ("if x:\n    !ls -l\n", "if x:\n    0     \n"),
        ("files = !ls\n", "files = _  \n"),
        ("%time y = f(x)\n", "if 1: y = f(x)\n"),
        ("%%time\ny = f(x)\n", "# time\ny = f(x)\n"),
        ("%%bash\nls -l\n", "#%bash\n#s -l\n"),
        ("net?\n?net\n", "0   \n0   \n"),
        ("x = ('%d'\n     % y)\n", "x = ('%d'\n     % y)\n"),
        ("this is no Python\n", "#his is no Python\n"),
    ],
)
def test_what_is_no_python_is_passed_over(source: str, code: str) -> None:
    head = "# %%[cell 1]\n"
    assert notebook.python(head + source) == head + code


LINES = st.lists(
    st.sampled_from(
        [
            "x = 1",
            "%magic a",
            "!ls",
            "y?",
            "for i in x:",
            "    pass",
            "%%bash",
            "%time f()",
            "é = 2",
            "",
        ]
    ),
    max_size=6,
)


@given(st.lists(LINES, min_size=1, max_size=4))
@settings(deadline=None)
def test_every_notebook_is_parsed_and_comes_back(cells: list[list[str]]) -> None:
    raw = book(*("\n".join(lines) for lines in cells)).encode()
    text = notebook.text_of(raw)
    code = notebook.python(text)
    ast.parse(code)
    assert [len(line) for line in code.split("\n")] == [len(line) for line in text.split("\n")]
    assert notebook.rewritten(raw, text) == raw


@pytest.mark.parametrize("end", ["", "\n", "    ", "\n\n", "\n        "])
def test_a_cell_that_changes_keeps_its_end(end: str) -> None:
    raw = book("x = 1" + end, "y = 2" + end).encode()
    changed = notebook.text_of(raw).replace("x = 1", "x = 3")
    assert notebook.rewritten(raw, changed) == book("x = 3" + end, "y = 2" + end).encode()


def test_what_looks_like_our_own_lines_is_refused() -> None:
    with pytest.raises(Unreadable, match="cells apart"):
        notebook.text_of(book("# %%[cell 3]\n").encode())


def test_what_another_notebook_does_to_biases_is_no_matter(project: Write, run: Run) -> None:
    own = MODEL.replace(", momentum=0.99", "")
    other = "import shared\nfrom torch import nn\nfor m in shared.net.modules():\n    print(m.bias.sum())"
    files = {"a.ipynb": book("import shared", own), "shared.py": "from elsewhere import net\n"}
    project({**files, "b.ipynb": book(other)})
    out = run(".", "--format", "concise", "--no-cache").out
    assert "BN201" in out
    assert "may read it" not in out
