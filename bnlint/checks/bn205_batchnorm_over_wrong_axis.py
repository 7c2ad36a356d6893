"""BN205 batchnorm-over-wrong-axis: the features are not in the dimension that is normalised."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bnlint.facts.passes.axes import Axes, Axis, Role
from bnlint.facts.passes.layout import axes_of
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import NOT_KNOWN, Site
from bnlint.facts.wording.code_text import call_of_one
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN205",
    "batchnorm-over-wrong-axis",
    Severity.WARNING,
    fix=Applicability.DISPLAY,
    reads=(axes_of,),
)

WIDTHS = ("out_features", "out_channels", "hidden_size", "embedding_dim", "embed_dim", "d_model")
"""What layers call the number of features that they give."""
MOVING = (Kind.LINEAR, Kind.RECURRENT, Kind.EMBEDDING, Kind.ATTENTION, Kind.PERMUTE)
"""What puts features into the last dimension."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A call of a BatchNorm: which dimension has the features, and what dimension 1 is."""

    layer: Layer
    place: int
    rank: int
    normalised: Axis
    origin: Call | None


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report calls of BatchNorm layers built for as many features as another dimension has."""
    wrong: dict[Site, list[Mistake]] = defaultdict(list)
    right: set[Site] = set()
    for graph in graphs:
        if not _moves_features(graph):
            continue
        for call, mistake in _judged(graph):
            place = call.site or (call.layer.site if call.layer is not None else None)
            if place is not None and mistake is None:
                right.add(place)
            elif place is not None and mistake is not None:
                wrong[place].append(mistake)
    for place, found in wrong.items():
        yield _finding(place, found[0], unanimous=place not in right)


def _moves_features(graph: ModelGraph) -> bool:
    """Whether there may be anything to find: most networks move features behind all BatchNorm."""
    moving = (*MOVING, Kind.RESHAPE, Kind.SPLIT)
    first = next((call.index for call in graph.calls if call.kind in moving), len(graph.calls))
    return any(call.kind is Kind.BATCH_NORM for call in graph.calls[first:])


def _judged(graph: ModelGraph) -> Iterator[tuple[Call, Mistake | None]]:
    """The certain calls of BatchNorm layers, each with what is wrong about it."""
    layouts = axes_of(graph)
    for call in graph.calls:
        layer = call.layer
        if call.kind is Kind.BATCH_NORM and layer is not None and call.inputs and call.certain:
            source = graph.calls[call.inputs[0]]
            axes = layouts[source.index]
            place = _misplaced(layer, axes)
            if place is None:
                yield call, None
                continue
            normalised = replace(axes.known[1], size=_length(graph, source, axes))
            origin = _origin(graph, source)
            yield call, Mistake(layer, place, len(axes.known), normalised, origin)


def _misplaced(layer: Layer, axes: Axes) -> int | None:
    """The dimension that the layer is built for, where it is not dimension 1."""
    dims = layer.dimensions
    ranks = (3,) if dims == 1 else (3, 4, 5) if dims is None else (dims + 2,)
    places = [i for i, axis in enumerate(axes.known) if axis.role is Role.FEATURES]
    if not axes.whole or axes.rank not in ranks or len(places) != 1 or places[0] < 2:
        return None
    return places[0] if _is_built_for(layer, axes.known[places[0]]) else None


def _is_built_for(layer: Layer, features: Axis) -> bool:
    if layer.channels is not None and features.size is not None:
        return layer.channels == features.size
    maker = features.layer
    if maker is None or maker.chain != layer.chain or maker.site.path != layer.site.path:
        return False
    given = layer.arguments.get("num_features")
    width = next((maker.arguments[name] for name in WIDTHS if name in maker.arguments), None)
    if given is None or width is None or given.site is None or width.site is None:
        return False
    unknown = given.value is NOT_KNOWN and width.value is NOT_KNOWN
    return unknown and given.site.text == width.site.text


def _length(graph: ModelGraph, source: Call, axes: Axes) -> int | None:
    """The size of dimension 1, where layers fix it or a given input does."""
    sizes = source.shape.sizes
    if sizes is not None and len(sizes) > 1 and not graph.guessed_input:
        return sizes[1]
    return axes.known[1].size


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
    return RULE.at(
        site,
        f"{in_words(layer)} normalises dimension 1 of a tensor that has {width} features in {last}, so"
        f" it mixes all features and keeps {apart} apart{_consequence(mistake)}; transpose before"
        " and after it, or use LayerNorm",
        layer=layer.name,
        evidence=evidence,
        fix=_fix(site, mistake) if unanimous else None,
    )


def _consequence(mistake: Mistake) -> str:
    """What torch says to it: it compares dimension 1 with ``num_features``."""
    features, length = mistake.layer.channels, mistake.normalised.size
    arguments = mistake.layer.arguments
    kept = {n: arguments[n].value for n in ("affine", "track_running_stats") if n in arguments}
    if set(kept.values()) == {False} or features is None:
        return ""
    if length is None:
        return f", and torch notices only where there are not {features} of these, too"
    if length == features:
        return f", and torch does not notice, since there are {features} of these, too"
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
