"""Signal propagation plots: three panels, as in arXiv 2101.08692, for one or several networks.

Squared channel mean, channel variance and the variance of the branch over the residual blocks.
"""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.errors import UsageError
from bnlint.facts.passes.initial_signal.signal_growth import explosion
from bnlint.facts.types.signal import Block, Signal, in_digits
from bnlint.facts.wording.signal_verdict import verdict
from bnlint.immutable import immutable
from bnlint.report.pictures import INK, label, require_ending, save_picture
from bnlint.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOGARITHMIC = 300.0
"""Networks whose largest values differ by more than this factor share a logarithmic panel."""

NOUGHT = 1e-3
"""Values below this are as good as 0 beside variances of about 1: the edge of logarithmic panels."""

_ROOM = 1.2
"""How far panels go above the largest value."""

_LEGEND_COLUMNS = 3
_LINE = 120
"""Characters of the verdict in one line."""

_BORDER = "#bbbbbb"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", (0, (5, 1.2)), (0, (4, 1.2, 1, 1.2)), (0, (1.2, 1)))
_MARKS = ("o", "s", "^", "D", "v", "P", "X")


@immutable
class _Panel:
    """A title, what it shows of a block, and what theory gives for it."""

    title: str
    value: Callable[[Block], float]
    expected: Callable[[Block], float | None]


_PANELS = (
    _Panel("Squared channel mean", lambda block: block.squared_mean, lambda block: None),
    _Panel("Channel variance", lambda block: block.variance, lambda block: block.expected),
    _Panel(
        "Variance of the branch",
        lambda block: block.branch_variance,
        lambda block: block.expected_branch,
    ),
)


def save(signals: Mapping[str, Signal], path: Path) -> None:
    """Draw one or several signals, by their names, into an svg, png or pdf file.

    The same signals give the same file. Raises :class:`UsageError` where matplotlib is missing, for
    another ending, and where there is nothing to draw.
    """
    drawn = {name: signal for name, signal in signals.items() if signal.blocks}
    require_ending(path)
    if not drawn:
        raise UsageError("there are no residual additions to plot")
    save_picture(lambda: _figure(drawn), path)


def _figure(signals: Mapping[str, Signal]) -> "Figure":
    from matplotlib.figure import Figure

    rows = math.ceil(len(signals) / _LEGEND_COLUMNS)
    figure = Figure(
        figsize=(7.2, 2.3 + 0.17 * rows + 0.35 * (len(signals) == 1)), layout="constrained"
    )
    panels = figure.subplots(1, len(_PANELS))
    for axes, panel in zip(panels, _PANELS, strict=True):
        _draw(axes, panel, signals)
    handles, labels = panels[1].get_legend_handles_labels()
    columns = min(len(labels), _LEGEND_COLUMNS)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    if len(signals) == 1:
        (signal,) = signals.values()
        figure.suptitle(_verdict(signal), fontsize="medium", x=0.01, ha="left", color=INK)
    return figure


def _verdict(signal: Signal) -> str:
    """What the table says of a network, broken into lines; nothing in it is mathematics."""
    text = visible(verdict(signal).text)
    lines = textwrap.wrap(text[:1].upper() + text[1:], _LINE, max_lines=3, placeholder=" ...")
    return "\n".join(lines).replace("$", r"\$")


def _draw(axes: "Axes", panel: _Panel, signals: Mapping[str, Signal]) -> None:
    lines = [[panel.value(block) for block in signal.blocks] for signal in signals.values()]
    theory = _theory(panel, *signals.values())
    scale = _scale([*lines, theory], [*signals.values(), *signals.values()])
    for number, (name, signal) in enumerate(signals.items()):
        _line(axes, name, signal, lines[number], number, scale)
    if theory:
        axes.plot(_numbers(theory), theory, color=INK, linestyle=":", label="theory")
    if len(signals) == 1:
        _mark_stages(axes, *signals.values())
    if scale.logarithmic:
        axes.set_yscale("log")
        if any(value < NOUGHT for line in lines for value in line):
            _mark_nought(axes)
    axes.set_ylim(scale.bottom, scale.top)
    axes.set_title(panel.title, loc="left", color=INK)
    marked = any(block.transition for signal in signals.values() for block in signal.blocks)
    axes.set_xlabel("residual block" + " (marks: transitions)" * marked)


def _mark_stages(axes: "Axes", signal: Signal) -> None:
    """Draw a line where one stage ends and the next begins."""
    for number, (before, after) in enumerate(pairwise(signal.blocks), 1):
        if before.stage != after.stage:
            axes.axvline(number + 0.5, color=_BORDER, linewidth=0.6, zorder=0)


def _theory(panel: _Panel, *signals: Signal) -> list[float]:
    """What theory gives for the blocks of a single network, if it gives anything."""
    if len(signals) > 1:
        return []
    expected = [panel.expected(block) for block in signals[0].blocks]
    known = any(value is not None for value in expected)
    return [math.nan if value is None else value for value in expected] if known else []


def _mark_nought(axes: "Axes") -> None:
    """Say at the axis what stands at its lower edge."""
    from matplotlib.ticker import FuncFormatter, LogFormatterMathtext

    plain = LogFormatterMathtext()
    plain.set_axis(axes.yaxis)

    def shown(value: float, position: int | None) -> str:
        nought = math.isclose(value, NOUGHT)
        return rf"$<\mathdefault{{10^{{{round(math.log10(NOUGHT))}}}}}$" if nought else plain(value)

    axes.yaxis.set_major_formatter(FuncFormatter(shown))


@immutable
class _Scale:
    """A vertical axis; without a ``top`` there is nothing but zeros."""

    logarithmic: bool
    bottom: float
    top: float | None


def _scale(lines: Sequence[Sequence[float]], signals: Sequence[Signal]) -> _Scale:
    """Choose the axis of a panel: linear, so that linear growth shows, unless that hides networks.

    An exploding network among others leaves the panel at its top, so that the others stay legible.
    """
    calm = [line for line, s in zip(lines, signals, strict=False) if explosion(s) is None]
    finite = [[value for value in line if math.isfinite(value)] for line in calm or lines]
    heights = [max(line) for line in finite if line] or [1.0]
    low = max(min((value for line in finite for value in line), default=1.0), NOUGHT)
    high = max(heights)
    if not calm:
        return _Scale(True, low / 2, high * 10)
    if high > LOGARITHMIC * max(1.0, min(heights)):
        return _Scale(True, low / 2, high * 2)
    return _Scale(False, 0.0, high * _ROOM or None)


def _line(
    axes: "Axes", name: str, signal: Signal, values: Sequence[float], number: int, scale: _Scale
) -> None:
    colour = _COLOURS[number % len(_COLOURS)]
    shown = [max(value, NOUGHT) if scale.logarithmic else value for value in values]
    marked = [i for i, block in enumerate(signal.blocks) if block.transition] or [0]
    axes.plot(
        _numbers(shown),
        shown,
        color=colour,
        linestyle=_DASHES[number % len(_DASHES)],
        label=label(name),
        marker=_MARKS[number % len(_MARKS)],
        markevery=marked,
        markersize=3.5,
        markerfacecolor="white",
        markeredgewidth=0.9,
    )
    finite = [value for value in values if math.isfinite(value)]
    if scale.top is not None and finite and max(finite) > scale.top:
        leaves = next(i for i, value in enumerate(values) if not value <= scale.top)
        axes.annotate(
            f"to {in_digits(max(finite), 2)}",
            (leaves + 1, scale.top),
            xytext=(3, -2),
            textcoords="offset points",
            va="top",
            color=colour,
        )


def _numbers(values: Sequence[float]) -> range:
    """Blocks count from 1."""
    return range(1, len(values) + 1)
