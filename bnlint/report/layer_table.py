"""The layers of a traced model as a table, in the order in which its forward calls them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import PurePath

from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.signal import in_digits
from bnlint.facts.types.site import Site
from bnlint.style import Style
from bnlint.visible import visible

_HEADS = ("layer", "class", "input", "output", "per channel", "built", "called", "")
_GOING_FIRST = (6, 5, 3)
"""Columns that are left out, in this order, where a table is too wide for the terminal."""
_BLANKS = "  "


@dataclass(slots=True)
class Part:
    """A layer, or a module that stands for those within it, with the calls of it in order."""

    name: str
    layer: Layer | None
    calls: list[Call]

    @property
    def is_whole(self) -> bool:
        """Whether it is one layer, of which each call is an operation of the graph."""
        return all(call.layer is self.layer for call in self.calls)


def text(graph: ModelGraph, look: Style, depth: int | None = None) -> str:
    """Return the table; with ``depth``, modules at that depth stand for what is in them."""
    rows = [_row(graph, part) for part in parts(graph, depth)]
    rows += [_never_called(layer) for layer in graph.layers if layer.name in graph.never_called]
    if not rows:
        return f"`{visible(graph.name)}` calls no layers.\n"
    table = _fitting([_HEADS, *rows], look.width)
    lines = list(_lines(table))
    return "\n".join([look.paint(lines[0], "bold"), *lines[1:]]) + "\n\n"


def parts(graph: ModelGraph, depth: int | None) -> list[Part]:
    """The called layers, or the modules at a depth around them, in order of their first calls."""
    known = {name: layer for layer in graph.layers for name in (layer.name, *layer.aliases)}
    found: dict[str, Part] = {}
    for call in graph.calls:
        if call.layer is not None:
            name = ".".join(call.layer.name.split(".")[:depth])
            found.setdefault(name, Part(name, known.get(name), [])).calls.append(call)
    return list(found.values())


def sizes(call: Call) -> str:
    """The shape of what a call gives, ``2x64x8x8``; nothing where it is not known."""
    known = call.shape.sizes
    return "x".join(map(str, known)) if known else ""


def _row(graph: ModelGraph, part: Part) -> tuple[str, ...]:
    first, last, layer = part.calls[0], part.calls[-1], part.layer
    given = graph.calls[first.inputs[0]] if first.inputs else None
    return (
        visible(part.name) or "(the model)",
        visible(layer.class_name) if layer is not None else "",
        sizes(given) if given is not None else "",
        sizes(last),
        _values(given)
        if given is not None and first.kind is Kind.BATCH_NORM and part.is_whole
        else "",
        _line(layer.site) if layer is not None else "",
        _line(first.site) if first.site is not None and part.is_whole else "",
        ", ".join(_notes(part)),
    )


def _values(given: Call) -> str:
    """Over how many values BatchNorm takes the statistics of each channel."""
    known = given.shape.sizes
    return str(prod(known) // known[1]) if known and len(known) > 1 and known[1] else ""


def _line(site: Site) -> str:
    return f"{visible(PurePath(site.path).name)}:{site.span.line}"


def _notes(part: Part) -> Iterator[str]:
    layer, calls = part.layer, part.calls
    norms = sum(call.kind is Kind.BATCH_NORM for call in calls)
    if not part.is_whole:
        yield f"{len(calls)} calls" + (f", {norms} of BatchNorm" if norms else "")
        return
    if len(calls) > 1:
        yield f"{len(calls)} calls"
    if layer is not None and layer.aliases:
        yield f"also {visible(layer.aliases[0])}"
    if layer is not None and layer.kind is Kind.BATCH_NORM:
        yield from _norm_notes(layer, calls[0])


def _norm_notes(layer: Layer, call: Call) -> Iterator[str]:
    training = call.arguments.get("training")
    if training is not None and training.value is False:
        yield "eval mode"
    for name, default in (("momentum", 0.1), ("eps", 1e-5)):
        given = layer.assigned.get(name) or layer.arguments.get(name)
        if given is not None and given.value != default:
            number = given.number
            yield f"{name} {given.value if number is None else in_digits(number, 4)}"
    tracks = layer.arguments.get("track_running_stats")
    if tracks is not None and tracks.value is False:
        yield "no running statistics"


def _never_called(layer: Layer) -> tuple[str, ...]:
    built = _line(layer.site)
    return visible(layer.name), visible(layer.class_name), "", "", "", built, "", "never called"


def _fitting(rows: Sequence[tuple[str, ...]], width: int | None) -> list[list[str]]:
    """The columns that have something to show, as many as there is room for."""
    kept = [column for column in range(len(_HEADS)) if any(row[column] for row in rows[1:])]
    for column in _GOING_FIRST:
        if width is not None and sum(_widths(rows, kept)) > width and column in kept:
            kept.remove(column)
    return [[row[column] for column in kept] for row in rows]


def _widths(rows: Sequence[tuple[str, ...]], columns: Sequence[int]) -> list[int]:
    return [max(len(row[column]) for row in rows) + len(_BLANKS) for column in columns]


def _lines(table: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield _BLANKS.join(cells).rstrip()
