"""A rehearsal as a picture: a lane for each model, coloured by its mode, over what happens.

Pictures are for people: of very long rehearsals, or very many, only the beginning is drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.errors import UsageError
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import (
    Backward,
    Forward,
    Model,
    ModeSwitched,
    OptimizerStep,
    is_training,
)
from bnlint.lint.engine import Result
from bnlint.report.pictures import INK, label, save_picture
from bnlint.report.timeline_json import models_of
from bnlint.report.timeline_text import TimelineRow, rows, runs_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MODES = {Known.YES: "#E69F00", Known.NO: "#56B4E9", Known.UNKNOWN: "#BBBBBB"}
_NAMES = {Known.YES: "train mode", Known.NO: "eval mode", Known.UNKNOWN: "mode not known"}
_MARKS = {Forward: ("o", "forward"), Backward: ("v", "backward")}
_INCH = 0.16
"""Width of an event."""
_WIDEST = 40.0
MOST_RUNS = 20
MOST_LANES = 60
MOST_EVENTS = 2_000
MOST_LINES = 250
"""Numbers of lines along the bottom."""


@dataclass(slots=True)
class _Lane:
    """A model's name, its mode at each event from the first on, and what is marked."""

    name: str
    modes: list[Known | None] = field(default_factory=list)
    marks: list[tuple[int, type]] = field(default_factory=list)


def save(result: Result, path: Path) -> None:
    """Draw the runs into an svg, png or pdf file.

    Raises:
        UsageError: no run does anything with a model, the name has another ending, or matplotlib
            is missing.
    """
    drawn = [(run.entry, made) for run in runs_of(result) if (made := _events(rows(run)))]
    if not drawn:
        raise UsageError("nothing is done with a model, so there is nothing to plot")
    save_picture(lambda: _figure(drawn[:MOST_RUNS]), path)


def _events(made: Sequence[TimelineRow]) -> list[TimelineRow]:
    return [row for row in made if row.event is not None]


def _figure(runs: Sequence[tuple[str, Sequence[TimelineRow]]]) -> "Figure":
    from matplotlib.figure import Figure

    lanes = [_lanes(made[:MOST_EVENTS]) for _, made in runs]
    longest = max(len(made[:MOST_EVENTS]) for _, made in runs)
    width = min(_WIDEST, 2.5 + _INCH * longest)
    height = sum(1.1 + 0.3 * len(of_run) for of_run in lanes)
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(len(runs), 1, squeeze=False)
    for (entry, made), of_run, axes in zip(runs, lanes, panels[:, 0], strict=True):
        _draw(axes, entry, made[:MOST_EVENTS], of_run)
        if len(made) > MOST_EVENTS:
            axes.set_title(f"the first {MOST_EVENTS} of {len(made)} events", loc="right")
    figure.legend(handles=_key(), loc="outside lower center", ncols=3)
    return figure


def _lanes(made: Sequence[TimelineRow]) -> list[_Lane]:
    """The models of a run in the order in which it meets them, each with its modes."""
    lanes: dict[int, _Lane] = {}
    for number, row in enumerate(made):
        event = row.event
        for model in models_of(event) if event is not None else ():
            if model.key not in lanes and len(lanes) == MOST_LANES:
                continue
            lane = lanes.setdefault(model.key, _Lane(model.name, [None] * number))
            if len(lane.modes) == lane.modes.count(None):
                lane.name = model.name  # as it is called when it is first used, not at the end
            if isinstance(event, Forward | Backward):
                lane.marks.append((number, type(event)))
        for key, lane in lanes.items():
            lane.modes.append(_mode(row, key) or (lane.modes[-1] if lane.modes else None))
    return list(lanes.values())


def _mode(row: TimelineRow, key: int) -> Known | None:
    """The mode of a model by an event that is about it."""
    match row.event:
        case Forward(model=Model() as model, mode=mode) if model.key == key:
            return is_training(mode)
        case ModeSwitched(model=Model() as model, training=training) if model.key == key:
            return Known.of(training)
    return None


def _draw(axes: "Axes", entry: str, made: Sequence[TimelineRow], lanes: Sequence[_Lane]) -> None:
    for height, lane in enumerate(lanes):
        for mode, colour in _MODES.items():
            stretches = list(_stretches(lane.modes, mode))
            axes.broken_barh(stretches, (height - 0.35, 0.7), color=colour)
        for kind, (mark, _) in _MARKS.items():
            places = [number for number, marked in lane.marks if marked is kind]
            axes.plot(places, [height] * len(places), mark, color=INK, markersize=3.5)
    steps = [n for n, row in enumerate(made) if isinstance(row.event, OptimizerStep)]
    axes.vlines(steps, -0.5, len(lanes) - 0.5, color=INK, linewidth=0.6, linestyle=":")
    axes.set_title(label(entry), loc="left")
    axes.set_yticks(range(len(lanes)), [label(lane.name) for lane in lanes])
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    axes.set_xlim(-0.6, len(made) - 0.4)
    ticks = range(0, len(made), 1 + len(made) // MOST_LINES)
    axes.set_xticks(ticks, [str(made[n].line) for n in ticks], rotation=90, fontsize=5)
    axes.set_xlabel("line")


def _stretches(modes: Sequence[Known | None], mode: Known) -> Iterator[tuple[float, int]]:
    """Where a model has a mode for a while: the left end, and for how many events."""
    for held, same in groupby(range(len(modes)), key=modes.__getitem__):
        numbers = list(same)
        if held is mode:
            yield numbers[0] - 0.5, len(numbers)


def _key() -> "Sequence[Artist]":
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    modes = [Patch(color=colour, label=_NAMES[mode]) for mode, colour in _MODES.items()]
    marks = [
        Line2D([], [], color=INK, marker=mark, linestyle="", label=name)
        for mark, name in _MARKS.values()
    ]
    step = Line2D([], [], color=INK, linewidth=0.6, linestyle=":", label="optimizer step")
    return [*modes, *marks, step]
