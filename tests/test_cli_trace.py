"""The commands that trace, as users meet them: a child process builds the models for real."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

Write = Callable[..., Path]
Run = Callable[..., Any]

MODEL = """\
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return x + self.conv2(x)
"""
SCRIPT = """\
from model import Net

open("ran.txt", "w").write("at the top of the script")
net = Net(8)
"""
BROKEN = """\
import torch
from torch import nn


class Broken(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bn = nn.BatchNorm2d(width, momentum=0.99)
        if width > 4:
            raise ValueError("too wide")

    def forward(self, x):
        return self.bn(x)


net = Broken(8)
"""


def test_tracing_adds_to_what_reading_found(project: Write, run: Run) -> None:
    folder = project({"model.py": MODEL, "train.py": SCRIPT})
    read, traced = (run("train.py", *more) for more in ((), ("--trace",)))
    assert "BN201" in read.out
    assert "BN216" not in read.out
    assert "BN201" in traced.out
    assert "`bn2` is built, but the forward of `Net` calls it neither" in traced.out
    assert "--> model.py:12:20" in traced.out
    assert "Traced 1 of 1 model with torch.fx.\n  Net (train.py:4): input 2x3x" in traced.out
    assert "Tracing added 1 problem (BN216) to the 1 that reading found." in traced.out
    assert not (folder / "ran.txt").exists()


def test_a_model_that_cannot_be_built_is_reported_and_the_rest_stands(
    project: Write, run: Run
) -> None:
    project({"train.py": BROKEN})
    done = run("train.py", "--trace", "--format", "json")
    found = json.loads(done.out)
    assert [finding["rule"] for finding in found] == ["BN102", "BN004"]
    assert found[1]["message"] == "`Broken` was not traced: ValueError: too wide"
    (evidence,) = found[1]["evidence"]
    assert (evidence["path"], evidence["line"]) == ("train.py", 10)


def test_what_is_not_known_from_reading_is_said(project: Write, run: Run) -> None:
    code = MODEL + "\n\nimport sys\nnet = Net(int(sys.argv[1]))\n"
    project({"train.py": code})
    done = run("train.py", "--trace", "--format", "concise")
    assert "BN004 [model-not-traced] `Net` was not traced: " in done.out
    assert "`width`" in done.out


def test_a_trusted_project_can_make_tracing_its_default(
    project: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(
        {"model.py": MODEL, "train.py": SCRIPT, "pyproject.toml": "[tool.bnlint]\ntrace = true"}
    )
    alone = run("train.py", "--format", "concise")
    assert "BN216" not in alone.out
    assert "pyproject.toml is ignored" in alone.err
    assert "BN216" not in run("train.py", "--no-trace", "--trusted", "--format", "concise").out
    assert "BN216" in run("train.py", "--trusted", "--format", "concise").out
    monkeypatch.setenv("BNLINT_TRUSTED", "1")
    assert "BN216" in run("train.py", "--format", "concise").out


def test_fixes_of_traced_models_are_applied(project: Write, run: Run) -> None:
    folder = project({"train.py": BROKEN.replace("net = Broken(8)", "net = Broken(4)")})
    done = run("train.py", "--trace", "--fix")
    assert "momentum=0.01" in (folder / "train.py").read_text()
    assert done.status == 0
    assert "Traced 1 of 1 model" in done.out


def test_one_model_by_its_name(project: Write, run: Run) -> None:
    project({"model.py": MODEL})
    done = run("trace", "model.py:Net", "--arg", "width=4", "--input", "8x3x16x16")
    assert done.status == 0
    assert "BN201 The bias of `conv1` does nothing: `bn1` subtracts" in done.out
    assert "Traced 1 of 1 model with torch.fx.\n  Net (model.py:6): input 8x3x16x16, " in done.out
    assert "never called in train or eval mode: `bn2`" in done.out
    assert "Tracing added" not in done.out
    module = run("trace", "model:Net", "--arg", "width=4", "--select", "BN101")
    assert "All clear: 1 model checked." in module.out
    assert "(guessed)" in module.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model.py:Net",), "`Net` needs `width`: give it with --arg width=..."),
        (("model.py:Nett",), "there is no `Nett` in "),
        (("nowhere.py:Net",), "there is no file `nowhere.py`"),
        (("model.py",), "`model.py` names no model"),
        (("models.py:Net",), "there is no file `models.py`; did you mean `model.py`?"),
        (("gone.nets:Net",), "there is no module `gone` for "),
        (("model.py:Net", "--input", "8x"), "`8x` is no input size"),
        (("model.py:Net", "--arg", "width"), "`width` is no argument"),
        (("model.py:Net", "--python", "/nowhere/python"), "/nowhere/python"),
    ],
)
@pytest.mark.parametrize("command", ["trace", "signal"])
def test_bad_usage_is_one_line(
    project: Write, run: Run, command: str, arguments: tuple[str, ...], message: str
) -> None:
    project({"model.py": MODEL})
    done = run(command, *arguments)
    assert done.status == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert done.out == ""


def test_what_took_too_long_names_the_way_out(project: Write, run: Run) -> None:
    endless = MODEL.replace(
        "        super().__init__()\n", "        super().__init__()\n        while True: pass\n", 1
    )
    project({"model.py": endless})
    target = ("model.py:Net", "--arg", "width=4", "--timeout", "1")
    for command, verb in (("trace", "traced"), ("signal", "measured")):
        done = run(command, *target, "--input", "4x3x8x8")
        assert (done.status, done.err.count("\n")) == (2, 1)
        assert f"could not be {verb}: took more than " in done.err
        assert "with 4x3x8x8; give a smaller --input, or more time with --timeout 5" in done.err


def test_a_picture_that_cannot_be_is_refused_before_anything_runs(project: Write, run: Run) -> None:
    pytest.importorskip("matplotlib")
    project({"model.py": MODEL})
    done = run("signal", "model.py:Net", "--plot", "out.doc")
    assert (done.status, done.out) == (2, "")
    assert done.err == "error: `out.doc` must end in .svg, .png or .pdf\n"


def test_an_input_that_does_not_fit_is_reported_with_the_line(project: Write, run: Run) -> None:
    project({"model.py": MODEL})
    target = ("trace", "model.py:Net", "--arg", "width=4", "--format", "concise")
    done = run(*target, "--input", "8x5x16x16")
    assert "BN004 [model-not-traced] Only a part of `Net` was traced" in done.out
    assert "conv1" in done.out
    assert "model.py:15" in done.out


TWICE = """

def build():
    return Net(4)

one, two, three = build(), Net(4), Net(5)
for model in (one, two, three):
    model(torch.randn(2, 3, 8, 8))
"""


def test_models_of_which_there_is_the_same_to_say_are_listed_once(project: Write, run: Run) -> None:
    project({"train.py": MODEL + TWICE})
    lines = run("train.py", "--trace", "--format", "concise").out.splitlines()
    listed = [line for line in lines if line.startswith("  Net (")]
    assert "Traced 3 of 3 models with torch.fx." in lines
    assert len(listed) == 1
    assert listed[0].startswith("  Net (train.py:20, train.py:22): input ")


def test_a_model_that_is_traced_in_part_is_said_to_be(project: Write, run: Run) -> None:
    project({"model.py": MODEL})
    done = run("trace", "model.py:Net", "--arg", "width=4", "--input", "8x5x16x16")
    assert "Traced 0 of 1 model with torch.fx, 1 in part.\n" in done.out


def test_the_signal_as_a_table_and_as_json(project: Write, run: Run) -> None:
    project({"model.py": MODEL})
    target = ("signal", "model.py:Net", "--arg", "width=4", "--input", "4x3x16x16")
    table = run(*target)
    assert table.status == 0
    assert "1 residual addition" in table.out
    data = json.loads(run(*target, "--format", "json").out)
    assert data["model"] == "Net"
    assert len(data["blocks"]) == 1


def test_a_signal_that_cannot_be_measured_is_one_line(project: Write, run: Run) -> None:
    project({"model.py": MODEL})
    done = run("signal", "model.py:Net", "--arg", "width=4", "--input", "4x5x16x16")
    assert (done.status, done.out) == (2, "")
    start = "error: the signal of `model.py:Net` could not be measured: `conv1` at model.py:15 "
    assert done.err.startswith(start)
    assert done.err.count("\n") == 1


def test_a_file_that_is_not_python_is_one_line(project: Write, run: Run) -> None:
    project({"bad.py": "def f(:\n"})
    done = run("trace", "bad.py:Net")
    said = "error: `bad.py:Net` could not be traced: SyntaxError: invalid syntax (bad.py:1)\n"
    assert (done.status, done.err) == (2, said)


def test_the_signal_as_a_plot(project: Write, run: Run) -> None:
    pytest.importorskip("matplotlib")
    folder = project({"model.py": MODEL})
    target = ("signal", "model.py:Net", "--arg", "width=4", "--input", "4x3x16x16")
    done = run(*target, "--plot", "out.svg")
    assert done.err == "Wrote out.svg.\n"
    assert (folder / "out.svg").read_text().startswith("<?xml")
    assert "cannot write" in run(*target, "--plot", "no/such/out.svg").err
    assert run(*target, "--plot", "out.doc").status == 2
