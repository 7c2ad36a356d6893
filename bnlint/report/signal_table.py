"""The propagation of a model's signal as a table for a terminal, with the verdict below."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from bnlint.facts.passes.initial_signal.signal_growth import explosion
from bnlint.facts.types.signal import Block, Signal, in_digits
from bnlint.facts.wording.signal_verdict import SignalPattern, verdict
from bnlint.immutable import immutable
from bnlint.style import Style
from bnlint.visible import visible

_WIDTH = 80
_NARROWEST = 72
_CELL = 10
_SHORT = 4
"""Stages of up to so many blocks are shown whole."""

_COLOURS = {
    SignalPattern.HEALTHY: "green",
    SignalPattern.IDENTITY: "cyan",
    SignalPattern.EXPLODES: "red",
    SignalPattern.OVERFLOWS: "red",
}
_LEGEND = (
    "For each residual sum, on average over its channels: the squared mean, the variance, and the"
    " variance of the branch as it is added."
)
_GUESSED = " (guessed; give another with --input)"
_THEORY = " Expected is what theory gives for independent branches (arXiv 2101.08692)."
_TRANSITION = " t marks transitions: the skip path holds a convolution or linear layer."


@immutable
class _Table:
    """What the lines of one table share."""

    look: Style
    theory: bool
    explodes: bool
    width: int

    @property
    def name(self) -> int:
        """How many characters a block's name has."""
        return self.width - _CELL * (5 if self.theory else 3) - 2


def text(signal: Signal, look: Style, *, every: bool = False, guessed: bool = False) -> str:
    """Return the table and the verdict.

    Of a stage with many blocks only the first and the last are shown, and the growth between them,
    unless ``every`` asks for all. ``guessed`` says that nobody gave the input.
    """
    theory = any(block.expected_branch is not None for block in signal.blocks)
    width = max(_NARROWEST, min(look.width or _WIDTH, _WIDTH))
    table = _Table(look, theory, explosion(signal) is not None, width)
    parts = [_wrapped(_title(signal) + _GUESSED * guessed, width)]
    if signal.blocks:
        marked = any(block.transition for block in signal.blocks)
        legend = _LEGEND + _THEORY * theory + _TRANSITION * marked
        parts += [[*_rows(signal, table, every)], _wrapped(legend, width)]
    parts += [_wrapped(f"Incomplete: {visible(problem)}", width) for problem in signal.problems]
    parts.append([*_verdict(signal, table)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _title(signal: Signal) -> str:
    number = len(signal.blocks)
    found = f"{number} residual {'addition' if number == 1 else 'additions'}"
    fed = visible(", ".join(signal.inputs))
    return f"Signal of `{visible(signal.model)}`: {found}, train mode, input {fed}"


def _rows(signal: Signal, table: _Table, every: bool) -> Iterator[str]:
    heads = ("sq. mean", "variance", *["expected"] * table.theory)
    heads += ("branch", *["expected"] * table.theory)
    line = f"{'block':<{table.name + 2}}" + "".join(f"{head:>{_CELL}}" for head in heads)
    yield table.look.paint(line, "bold")
    for number, blocks in groupby(signal.blocks, key=lambda block: block.stage):
        yield from _stage(number, tuple(blocks), table, every)


def _stage(number: int, blocks: Sequence[Block], table: _Table, every: bool) -> Iterator[str]:
    channels = f", {blocks[0].channels} channels in the last dimension" * blocks[0].channels_last
    yield table.look.paint(f"stage {number}{channels}", "blue")
    if every or len(blocks) <= _SHORT:
        yield from (_row(block, table) for block in blocks)
        return
    yield _row(blocks[0], table)
    yield f"  ... {len(blocks) - 2} more, {_growth(blocks, table)}"
    yield _row(blocks[-1], table)


def _growth(blocks: Sequence[Block], table: _Table) -> str:
    """How the variance changes from block to block: by a factor where it explodes."""
    finite = [block.variance for block in blocks if math.isfinite(block.variance)]
    if len(finite) < 2:
        return "no finite growth"
    first, last, steps = finite[0], finite[-1], len(finite) - 1
    if table.explodes and first > 0:
        return f"times {in_digits((last / first) ** (1 / steps))} per block"
    slope = (last - first) / steps
    return f"{'+' if slope >= 0 else ''}{in_digits(slope)} per block"


def _row(block: Block, table: _Table) -> str:
    name = f"{'t' if block.transition else ' '} {_shortened(visible(block.name), table.name)}"
    values = [block.squared_mean, block.variance, *[block.expected] * table.theory]
    values += [block.branch_variance, *[block.expected_branch] * table.theory]
    cells = ("" if value is None else in_digits(value, zeros=True) for value in values)
    return f"{name:<{table.name + 2}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)


def _shortened(name: str, width: int) -> str:
    """Cut a dotted name at its beginning: its end tells more."""
    return name if len(name) < width else "…" + name[2 - width :]


def _verdict(signal: Signal, table: _Table) -> Iterator[str]:
    judged = verdict(signal)
    colour = _COLOURS.get(judged.pattern, "yellow")
    head, colon, _ = visible(judged.text).partition(":")
    text = visible(judged.text)
    lines = _wrapped(text[0].upper() + text[1:], table.width)
    lead = len(head) if colon else 0
    yield table.look.paint(lines[0][:lead], colour, "bold") + lines[0][lead:]
    yield from lines[1:]
    if judged.advice:
        first, *others = _wrapped(f"help: {visible(judged.advice)}", table.width, indent=6)
        yield table.look.paint("help", "cyan", "bold") + first.removeprefix("help")
        yield from others


def _wrapped(line: str, width: int, indent: int = 0) -> list[str]:
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
