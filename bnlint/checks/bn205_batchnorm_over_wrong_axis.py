"""BN205 batchnorm-over-wrong-axis: the features are not in the dimension that is normalised."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bnlint.facts.passes.model_graphs.layout import axes_of
from bnlint.facts.passes.model_graphs.misplaced_features import may_be_misplaced, misplaced_features
from bnlint.facts.shapes.axes import Axes, Axis, Role
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import call_of_one
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule

RULE = Rule(
    "BN205",
    "batchnorm-over-wrong-axis",
    Severity.WARNING,
    fix=Applicability.DISPLAY,
    reads=(axes_of,),
)

MOVING = (Kind.LINEAR, Kind.RECURRENT, Kind.EMBEDDING, Kind.ATTENTION, Kind.PERMUTE)
"""What puts features into the last dimension."""


@immutable
class Mistake:
    """A call of a BatchNorm: which dimension has the features, and what dimension 1 is.

    ``origin`` is the call before that put them there, ``reader`` one behind that finds them there.
    """

    layer: Layer
    place: int
    rank: int
    normalised: Axis
    origin: Call | None
    reader: Call | None = None


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report calls of BatchNorm layers built for as many features as another dimension has."""
    wrong: dict[Site, list[Mistake]] = defaultdict(list)
    right: set[Site] = set()
    for graph in graphs:
        if not may_be_misplaced(graph):
            continue
        for call, mistake in _judged(graph):
            place = call.site or (call.layer.site if call.layer is not None else None)
            if place is not None and mistake is None:
                right.add(place)
            elif place is not None and mistake is not None:
                wrong[place].append(mistake)
    for place, found in wrong.items():
        yield _finding(place, found[0], unanimous=place not in right)


def _judged(graph: ModelGraph) -> Iterator[tuple[Call, Mistake | None]]:
    """The certain calls of BatchNorm layers, each with what is wrong about it."""
    for call in graph.calls:
        layer = call.layer
        if call.kind is not Kind.BATCH_NORM or layer is None or not call.inputs or not call.certain:
            continue
        found = misplaced_features(graph, call)
        if found is None:
            yield call, None
            continue
        source = graph.calls[call.inputs[0]]
        normalised = replace(found.axes.known[1], size=_length(graph, source, found.axes))
        origin = None if found.reader is not None else _origin(graph, source)
        rank = len(found.axes.known)
        yield call, Mistake(layer, found.place, rank, normalised, origin, found.reader)


def _length(graph: ModelGraph, source: Call, axes: Axes) -> int | None:
    """The size of dimension 1, where layers fix it or a given input does."""
    shape = source.shape
    if graph.guessed_input:
        return axes.known[1].size
    if shape.sizes is not None and len(shape.sizes) > 1:
        return shape.sizes[1]
    told = shape.rank is not None and not shape.channels_last
    return shape.channels if told and shape.channels is not None else axes.known[1].size


def _origin(graph: ModelGraph, call: Call) -> Call | None:
    """The nearest call before that moved features out of dimension 1."""
    while call.kind not in MOVING:
        if not call.inputs:
            return None
        call = graph.calls[call.inputs[0]]
    return call


def _finding(site: Site, mistake: Mistake, *, unanimous: bool) -> Finding:
    layer, origin = mistake.layer, mistake.origin
    width = "its" if layer.channels is None else f"its {layer.channels}"
    last = "the last one" if mistake.place == mistake.rank - 1 else f"dimension {mistake.place}"
    apart = "samples" if mistake.normalised.role is Role.SAMPLES else "positions"
    evidence = []
    if origin is not None and origin.site is not None:
        evidence.append((origin.site, f"this puts the features into {last}"))
    reader = mistake.reader
    if reader is not None and reader.site is not None:
        evidence.append((reader.site, f"this reads {width} features from {last}"))
    return RULE.at(
        site,
        f"{in_words(layer)} normalises dimension 1, which holds the {apart}, but {width} features are"
        f" in {last}: each {apart[:-1]} is normalised over all features{_consequence(mistake, apart)};"
        " transpose before and after it, or use LayerNorm",
        layer=layer.name,
        evidence=evidence,
        fix=_fix(site, mistake) if unanimous else None,
    )


def _consequence(mistake: Mistake, apart: str) -> str:
    """What torch says to it: it compares dimension 1 with ``num_features``."""
    features, length = mistake.layer.channels, mistake.normalised.size
    arguments = mistake.layer.arguments
    kept = {n: arguments[n].value for n in ("affine", "track_running_stats") if n in arguments}
    if set(kept.values()) == {False} or features is None:
        return ""
    if length is None:
        return f", and torch notices only where there are not {features} {apart}"
    if length == features:
        return f", and torch does not notice, since there are {features} {apart}, too"
    compared = "weight" if kept.get("track_running_stats") is False else "running_mean"
    return f', and torch raises "{compared} should contain {length} elements not {features}"'


def _fix(site: Site, mistake: Mistake) -> Fix | None:
    """Move the features to dimension 1 for the call and back behind it."""
    parts = call_of_one(site.text) if site != mistake.layer.site else None
    if parts is None:
        return None
    callee, tensor = parts
    there, back = _moves(mistake.rank, mistake.place)
    return RULE.fixed_by(f"Use `.{there}`", site.replace(f"{callee}({tensor}.{there}).{back}"))


def _moves(rank: int, place: int) -> tuple[str, str]:
    if rank == 3:
        return "transpose(1, 2)", "transpose(1, 2)"
    others = [dim for dim in range(1, rank) if dim != place]
    there = [0, place, *others]
    back = [there.index(dim) for dim in range(rank)]
    return _permute(there), _permute(back)


def _permute(order: Sequence[int]) -> str:
    return f"permute({', '.join(map(str, order))})"
