"""BatchNorm layers that get their features in another dimension than the one that they normalise."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.layout import axes_of
from bnlint.facts.shapes.axes import Axes, Axis, Role
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import NOT_KNOWN, Argument, value_of
from bnlint.immutable import immutable

GIVEN = ("out_features", "out_channels", "hidden_size", "embedding_dim", "embed_dim", "d_model")
"""What layers call the number of features that they give."""
TAKEN = ("in_features", "input_size", "embed_dim", "d_model")
"""What layers that read the last dimension call the number of features there."""
_UNCHANGED = (Kind.ACTIVATION, Kind.DROPOUT, Kind.PASS)
_READERS = (Kind.LINEAR, Kind.RECURRENT, Kind.ATTENTION)


@immutable
class Misplaced:
    """Where the features of a BatchNorm's input are, out of so many dimensions.

    ``reader`` is the call behind that says so, where none before does.
    """

    place: int
    axes: Axes
    reader: Call | None = None


def misplaced_features(graph: ModelGraph, call: Call) -> Misplaced | None:
    """Where the features are that a BatchNorm layer is built for, if not in dimension 1.

    The layers before it tell, or one right behind it that reads the last dimension.
    """
    layer = call.layer
    if layer is None or not call.inputs:
        return None
    axes = axes_of(graph)[call.inputs[0]]
    places = [i for i, axis in enumerate(axes.known) if axis.role is Role.FEATURES]
    if not places:
        return _as_read(graph, call, layer, axes)
    if not axes.whole or axes.rank not in _ranks(layer) or len(places) != 1 or places[0] < 2:
        return None
    built = _is_built_for(layer, axes.known[places[0]])
    return Misplaced(places[0], axes) if built else None


def may_be_misplaced(graph: ModelGraph) -> bool:
    """Whether there may be such layers at all: most networks move features behind all BatchNorm."""
    moving = (*_READERS, Kind.EMBEDDING, Kind.PERMUTE, Kind.RESHAPE, Kind.SPLIT)
    first = next((call.index for call in graph.calls if call.kind in moving), len(graph.calls))
    return any(
        call.kind is Kind.BATCH_NORM and (call.index > first or _is_read(graph, call))
        for call in graph.calls
    )


def _is_read(graph: ModelGraph, call: Call) -> bool:
    return next(_readers(graph, call), None) is not None


def _ranks(layer: Layer) -> tuple[int, ...]:
    dims = layer.dimensions
    return (3,) if dims == 1 else (3, 4, 5) if dims is None else (dims + 2,)


def _is_built_for(layer: Layer, features: Axis) -> bool:
    if layer.channels is not None and features.size is not None:
        return layer.channels == features.size
    maker = features.layer
    if maker is None or maker.chain != layer.chain or maker.site.path != layer.site.path:
        return False
    given, width = layer.arguments.get("num_features"), _first(maker, GIVEN)
    return given is not None and width is not None and _is_one_unknown(given, width)


def _is_one_unknown(one: Argument, other: Argument) -> bool:
    """Whether two arguments are the same expression, whose value is not known."""
    if one.site is None or other.site is None:
        return False
    unknown = one.value is NOT_KNOWN and other.value is NOT_KNOWN
    return unknown and one.site.text == other.site.text


# -- what the layers behind say --------------------------------------------------------------


def _as_read(graph: ModelGraph, call: Call, layer: Layer, axes: Axes) -> Misplaced | None:
    """What a reader behind says of a tensor of which nothing before says where its features are."""
    if _is_arranged(graph, call):
        return None
    for reader in _readers(graph, call):
        rank = _rank(layer, axes, reader)
        if rank in _ranks(layer) and reader.layer is not None and _agree(layer, reader.layer):
            features = Axis(Role.FEATURES, layer.channels, reader.layer)
            known = (*axes.extended(rank).known[:-1], features)
            return Misplaced(rank - 1, Axes(known, True), reader)
    return None


def _readers(graph: ModelGraph, call: Call) -> Iterator[Call]:
    """The calls that certainly take the last dimension of a call's output for features."""
    for user in graph.users_of(call):
        if user.certain and user.kind in _UNCHANGED and len(user.inputs) == 1:
            yield from _readers(graph, user)
        elif user.certain and user.kind in _READERS and user.inputs[0] == call.index:
            yield user


def _is_arranged(graph: ModelGraph, call: Call) -> bool:
    """Whether the dimensions were put in order before, or a convolution reads dimension 1."""
    source = graph.calls[call.inputs[0]]
    while source.kind in _UNCHANGED and source.inputs:
        source = graph.calls[source.inputs[0]]
    users = (*graph.users_of(source), *graph.users_of(call))
    return source.kind is Kind.PERMUTE or any(user.kind is Kind.CONV for user in users)


def _rank(layer: Layer, axes: Axes, reader: Call) -> int:
    """The number of dimensions, or 0: ``batch_first`` says that there are three."""
    if axes.rank is not None:
        return axes.rank
    ranks = _ranks(layer)
    if layer.dimensions in (2, 3):
        return ranks[0]
    arguments = reader.layer.arguments if reader.layer is not None else {}
    return 3 if value_of(arguments, "batch_first") is True else 0


def _agree(layer: Layer, reader: Layer) -> bool:
    """Whether two layers are built for the same features, not for as many by chance."""
    built, read = layer.arguments.get("num_features"), _first(reader, TAKEN)
    if built is None or read is None:
        return False
    if layer.channels is None:
        same = reader.chain == layer.chain and reader.site.path == layer.site.path
        return same and _is_one_unknown(built, read)
    return layer.channels == read.value and _may_be_one(built, read)


def _may_be_one(one: Argument, other: Argument) -> bool:
    """Whether two arguments of one value may well be one thing: they have no names that differ."""
    if one.site is None or other.site is None or one.site.is_number or other.site.is_number:
        return True
    return one.site.text.rpartition(".")[2] == other.site.text.rpartition(".")[2]


def _first(layer: Layer, names: tuple[str, ...]) -> Argument | None:
    return next((layer.arguments[name] for name in names if name in layer.arguments), None)
