"""The graph of a traced model as a table of its layers, and as files for programs that draw."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import bnlint
from bnlint.facts.types.graph import ModelGraph
from bnlint.report import graph_drawing, layer_table
from bnlint.style import Style
from tests.conftest import Run

torch = pytest.importorskip("torch")
Write = Callable[[dict[str, str]], Path]
MODEL = """import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width, momentum=0.01, eps=1e-3)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)) + x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.blocks = nn.Sequential(Block(8), Block(8))
        self.unused = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = torch.relu(self.norm(self.norm(self.stem(x))))
        return self.head(self.blocks(x).mean((2, 3)))
"""
TABLE = """
layer          class        input     output    per channel  built        called
stem           Conv2d       4x3x8x8   4x8x6x6                model.py:18  model.py:25
norm           BatchNorm2d  4x8x6x6   4x8x6x6   144          model.py:19  model.py:25  2 calls
blocks.0.conv  Conv2d       4x8x6x6   4x8x6x6                model.py:8   model.py:12
blocks.0.norm  BatchNorm2d  4x8x6x6   4x8x6x6   144          model.py:9   model.py:12  momentum 0.01, eps 0.001
blocks.1.conv  Conv2d       4x8x6x6   4x8x6x6                model.py:8   model.py:12
blocks.1.norm  BatchNorm2d  4x8x6x6   4x8x6x6   144          model.py:9   model.py:12  momentum 0.01, eps 0.001
head           Linear       4x8       4x5                    model.py:22  model.py:26
unused         BatchNorm2d                                   model.py:21               never called
"""
SHALLOW = """
layer   class        input    output   per channel  built        called
stem    Conv2d       4x3x8x8  4x8x6x6               model.py:18  model.py:25
norm    BatchNorm2d  4x8x6x6  4x8x6x6  144          model.py:19  model.py:25  2 calls
blocks  Sequential   4x8x6x6  4x8x6x6               model.py:20               4 calls, 2 of BatchNorm
head    Linear       4x8      4x5                   model.py:22  model.py:26
unused  BatchNorm2d                                 model.py:21               never called
"""
TRACE = ("trace", "model.py:Net", "--input", "4x3x8x8")


def words(table: str) -> list[list[str]]:
    """The cells of a table, whatever the widths of its columns."""
    return [re.split(r"  +", line) for line in table.strip().splitlines()]


@pytest.fixture
def files(project: Write) -> None:
    project({"model.py": MODEL})


def test_layers_in_the_order_of_their_calls(files: None, run: Run) -> None:
    printed = run(*TRACE, "--layers").out
    assert words(printed.partition("\n\n")[0]) == words(TABLE)
    assert "BN206 `norm` runs again" in printed
    assert "Traced 1 of 1 model" in printed


def test_modules_stand_for_what_is_in_them(files: None, run: Run) -> None:
    printed = run(*TRACE, "--layers", "--depth", "1").out
    assert words(printed.partition("\n\n")[0]) == words(SHALLOW)


def test_only_people_are_told(files: None, run: Run) -> None:
    assert isinstance(json.loads(run(*TRACE, "--layers", "--format", "json").out), list)
    assert "layer  " not in run(*TRACE).out


def graph() -> ModelGraph:
    scope: dict[str, object] = {"__name__": "model"}
    exec(compile(MODEL, "model.py", "exec"), scope)
    return bnlint.trace_model(scope["Net"](), input_size=(4, 3, 8, 8))  # type: ignore[operator]


@pytest.mark.parametrize("width", [50, 60])
def test_a_narrow_terminal_has_fewer_columns(width: int) -> None:
    made = layer_table.text(graph(), Style(width=width))
    wide = layer_table.text(graph(), Style())
    assert len(made.splitlines()[0]) < len(wide.splitlines()[0])
    assert "per channel" in made


def nodes(text: str) -> dict[str, str]:
    return dict(re.findall(r'^  (n\d+)(?: \[label=|\[)"(.*?)"', text, flags=re.MULTILINE))


@pytest.mark.parametrize("ending", [".dot", ".mmd"])
def test_every_call_and_the_data_flow(files: None, run: Run, ending: str) -> None:
    printed = run(*TRACE, "--graph", f"net{ending}")
    assert printed.err == f"Wrote net{ending}.\n"
    text = Path(f"net{ending}").read_text(encoding="utf-8")
    drawn, whole = nodes(text), graph()
    edges = re.findall(r"^  (n\d+) -+> (n\d+)", text, flags=re.MULTILINE)
    assert len(drawn) == len(whole.calls)
    assert len(edges) == len({(s, c.index) for c in whole.calls for s in c.inputs})
    assert {end for edge in edges for end in edge} == drawn.keys()
    titles = [re.split(r"\\n|<br>", title)[0].replace("#58;", ":") for title in drawn.values()]
    assert titles[:3] == ["input", "stem: Conv2d", "norm: BatchNorm2d"]


def test_what_is_reported_is_framed(files: None, run: Run) -> None:
    run(*TRACE, "--graph", "net.dot", "--select", "BN206")
    lines = Path("net.dot").read_text(encoding="utf-8").splitlines()
    framed = [line for line in lines if "penwidth" in line]
    assert len(framed) == 2
    assert all('label="norm: BatchNorm2d' in line for line in framed)


def test_modules_are_nodes_at_a_depth() -> None:
    drawing = graph_drawing.drawing_of(graph(), 1, {})
    titles = [node.title for node in drawing.nodes.values()]
    assert titles == [
        "input",
        "stem: Conv2d",
        "norm: BatchNorm2d",
        "relu",
        "blocks: Sequential",
        "mean",
        "head: Linear",
    ]
    assert [*drawing.edges][:3] == [("#0", "stem"), ("stem", "norm"), ("norm", "#4")]
    deeper = graph_drawing.drawing_of(graph(), 2, {})
    assert {"blocks.0", "blocks.1"} < deeper.nodes.keys()


class Evil(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.add_module('a"]; x [label="\\\n\x1b[31m', torch.nn.BatchNorm2d(3))

    def forward(self, x: object) -> object:
        (child,) = self.children()
        return child(x)


@pytest.mark.parametrize("ending", [".dot", ".mmd"])
def test_names_break_out_of_nothing(ending: str) -> None:
    traced = bnlint.trace_model(Evil(), input_size=(2, 3, 4, 4))
    text = graph_drawing.text(traced, ending)
    assert text.isascii()
    assert "\x1b" not in text
    assert len(re.findall(r"^  n\d+ ?\[", text, flags=re.MULTILINE)) == len(traced.calls)
    (line,) = (line for line in text.splitlines() if "BatchNorm2d" in line)
    unescaped = re.sub(r"\\.", "", line)
    assert unescaped.count('"') % 2 == 0
    assert "];" not in unescaped.rpartition('"')[0] or ending == ".dot"


def test_other_names_are_refused_before_anything_runs(files: None, run: Run) -> None:
    printed = run(*TRACE, "--graph", "net.svg")
    said = "error: `net.svg` must end in .dot (Graphviz), .mmd (Mermaid) or .json\n"
    assert (printed.status, printed.out, printed.err) == (2, "", said)
    assert "there is no folder `gone`" in run(*TRACE, "--graph", "gone/net.dot").err
