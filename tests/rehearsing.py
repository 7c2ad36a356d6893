"""Programs written for a test, rehearsed, and what their facts say."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

from bnlint import interpreter
from bnlint.facts.types.graph import Layer, ModelGraph
from bnlint.facts.types.known import Known
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.run import Forward, Mode, Run, is_training
from bnlint.source import Project, parse_text

HEAD = """
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset
torch.manual_seed(0)
"""
NET = """
class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, 10)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        return self.fc(x.mean((2, 3)))
"""
MODES = {Known.YES: "train", Known.NO: "eval", Known.UNKNOWN: "unknown"}


def rehearse(code: str, *, net: bool = False) -> Rehearsal:
    """Rehearse one script, behind the usual imports and, with ``net``, a small model."""
    text = HEAD + (NET if net else "") + dedent(code)
    file = parse_text(text, "train.py", Path("/bnlint-example/train.py"))
    return interpreter.rehearse([file], Project({file.file: file}))


def rehearse_files(folder: Path, files: Mapping[str, str], *entries: str) -> Rehearsal:
    """Write files and rehearse ``entries``, the first file by default."""
    (folder / "pyproject.toml").touch()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD * (not content.startswith("#")) + dedent(content), encoding="utf-8")
    project = Project()
    wanted = entries or (next(iter(files)),)
    return interpreter.rehearse([project.load(folder / name) for name in wanted], project)


def norms(rehearsal: Rehearsal) -> list[Layer]:
    """All BatchNorm2d layers of all graphs."""
    return [x for g in rehearsal.graphs for x in g.layers if x.type == "torch.nn.BatchNorm2d"]


def widths(rehearsal: Rehearsal) -> list[object]:
    """The channels of all BatchNorm2d layers; ``None`` where they are not known."""
    return [layer.channels for layer in norms(rehearsal)]


def graph(rehearsal: Rehearsal, name: str = "Net") -> ModelGraph:
    """The first graph of a model of some class."""
    return next(g for g in rehearsal.graphs if g.name == name)


def ops(rehearsal: Rehearsal, name: str = "Net") -> list[str]:
    """The operations of a model's forward, behind its input."""
    return [call.op for call in graph(rehearsal, name).calls if call.op != "input"]


def names(rehearsal: Rehearsal, name: str = "Net") -> list[str]:
    """The dotted names of a model's layers."""
    return [layer.name for layer in graph(rehearsal, name).layers]


def forwards(rehearsal: Rehearsal) -> list[Forward]:
    """The forwards of all runs, in order."""
    return [event for run in rehearsal.runs for event in run.of_type(Forward)]


def the_forward(rehearsal: Rehearsal) -> Forward:
    """The only forward."""
    (event,) = forwards(rehearsal)
    return event


def mode_name(mode: Mode) -> str:
    """``train``, ``eval`` or ``unknown``."""
    return MODES[is_training(mode)]


def modes(rehearsal: Rehearsal) -> list[str]:
    """The models' modes in all forwards, in order."""
    return [mode_name(event.mode) for event in forwards(rehearsal)]


def modes_by_line(rehearsal: Rehearsal) -> dict[str, set[str]]:
    """The modes in which each place calls a model, by the source of the call."""
    found: dict[str, set[str]] = {}
    for event in forwards(rehearsal):
        found.setdefault(event.site.text, set()).add(mode_name(event.mode))
    return found


def passes(rehearsal: Rehearsal) -> list[tuple[int, ...]]:
    """For each forward the numbers of the passes of the loops around it."""
    return [tuple(loop.number for loop in e.context.loops) for e in forwards(rehearsal)]


def main_run(rehearsal: Rehearsal) -> Run:
    """The run of the script."""
    return next(run for run in rehearsal.runs if run.main)


def events(rehearsal: Rehearsal) -> Iterator[str]:
    """The types of all events, in order."""
    return (type(event).__name__ for run in rehearsal.runs for event in run.events)
