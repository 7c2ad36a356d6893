"""What each dimension of every tensor in a model's forward stands for."""

from collections.abc import Sequence
from dataclasses import replace

from bnlint.facts.passes.model_graphs.pooling import after_pooling, after_window
from bnlint.facts.passes.model_graphs.sequence_layers import after_sequence_layer, is_packed
from bnlint.facts.passes.once import Pass
from bnlint.facts.shapes.axes import ANY, NOTHING, Axes, Axis, Role, broadcast, joined
from bnlint.facts.shapes.elementwise import keeps_sizes
from bnlint.facts.shapes.indexing import embedded, indexed, reduced
from bnlint.facts.shapes.rearranging import rearranged
from bnlint.facts.shapes.reshaping import regrouped
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import ARITHMETIC, Kind
from bnlint.facts.types.site import NOT_KNOWN, value_of, values_of

_SAME = frozenset({Kind.ACTIVATION, Kind.DROPOUT, Kind.PASS, Kind.OTHER_NORM, Kind.INSTANCE_NORM})
_PARTS = frozenset("chunk split split_with_sizes tensor_split unsafe_chunk unsafe_split".split())
"""Operations that give several tensors of as many dimensions as theirs."""


@Pass
def axes_of(graph: ModelGraph) -> tuple[Axes, ...]:
    """The dimensions of each call's output, where a forward and its layers determine them.

    Dimension 0 of what the model gets is taken to count samples.
    """
    found: list[Axes] = []
    for call in graph.calls:
        axes = _after(graph, call, [found[index] for index in call.inputs])
        axes = axes if call.shape.rank is None else axes.extended(call.shape.rank)
        found.append(axes if _fits(axes, call.shape.sizes) else axes.unknown)
    return tuple(found)


def _fits(axes: Axes, sizes: Sequence[int] | None) -> bool:
    """Whether what a trace measured is no other than what follows from the layers."""
    if sizes is None:
        return True
    return all(axis.size in (None, size) for axis, size in zip(axes.known, sizes, strict=False))


def _after(graph: ModelGraph, call: Call, inputs: Sequence[Axes]) -> Axes:
    given = inputs[0] if inputs else NOTHING
    match call.kind:
        case Kind.INPUT:
            return Axes((Axis(Role.SAMPLES),))
        case _ if not inputs:
            return NOTHING
        case _ if is_packed(call, graph.calls[call.inputs[0]]):
            return NOTHING
        case kind if kind in _SAME:
            return given
        case Kind.BATCH_NORM:
            return _after_batch_norm(call, graph.calls[call.inputs[0]], given)
        case Kind.CONV:
            return after_window(call, given)
        case Kind.MAX_POOL | Kind.AVG_POOL | Kind.UPSAMPLE | Kind.PAD:
            return after_pooling(call, given)
        case Kind.LINEAR:
            return _after_linear(call, given)
        case Kind.EMBEDDING | Kind.RECURRENT | Kind.ATTENTION:
            return after_sequence_layer(call, given)
        case Kind.RESHAPE | Kind.PERMUTE | Kind.SPLIT | Kind.REDUCE:
            return _rearranged(graph, call, inputs)
        case Kind.CAT:
            return _after_cat(call, inputs)
        case Kind.PHI:
            return joined(inputs)
        case kind if kind in ARITHMETIC or _is_elementwise(call):
            return _combined(graph, call, inputs)
    return NOTHING


def _is_elementwise(call: Call) -> bool:
    name = call.op.rstrip("_")
    return keeps_sizes(name, len(call.inputs) + len(call.arguments)) or name in ("setitem", "Power")


def _after_batch_norm(call: Call, source: Call, given: Axes) -> Axes:
    """As before; a layer for images or vectors also tells how many dimensions there are."""
    layer = call.layer
    if given.whole or layer is None:
        return given
    if gets_vectors(layer, source, given):
        return Axes((given.first, Axis(Role.FEATURES, layer.channels, source.layer)), True)
    known = (*given.known, *(ANY, Axis(None, layer.channels))[len(given.known) :])
    made = Axes(known)
    return made.extended(layer.dimensions + 2) if layer.dimensions in (2, 3) else made


def gets_vectors(norm: Layer, source: Call, axes: Axes) -> bool:
    """Whether what a BatchNorm1d gets can only be the features that a Linear makes of each sample.

    With more dimensions those features would be the last one, and the norm would be over another.
    """
    if source.layer is None or source.kind is not Kind.LINEAR or axes.whole:
        return False
    made = source.layer.arguments.get("out_features")
    if made is None or made.number is None or norm.type != "torch.nn.BatchNorm1d":
        return False
    wanted = norm.arguments.get("num_features")
    return wanted is not None and wanted.number == made.number


def _after_linear(call: Call, given: Axes) -> Axes:
    """The last dimension becomes features, unless it is mixed beside features that stay."""
    if not given.known or not given.whole:
        return given.leading
    size = call.layer.channels if call.layer is not None else None
    kept = given.known[:-1]
    if any(axis.role is Role.FEATURES for axis in kept):
        return Axes((*kept, Axis(Role.POSITIONS, size)), True)
    return Axes((*kept, Axis(Role.FEATURES, size, call.layer)), True)


# -- other orders and numbers of dimensions ---------------------------------------------------


def _rearranged(graph: ModelGraph, call: Call, inputs: Sequence[Axes]) -> Axes:
    """As the arguments say, else as the sizes before and after do, where a trace has them."""
    given, name = inputs[0], call.op.rstrip("_")
    arguments = call.arguments if call.layer is None else call.layer.arguments
    before, after = graph.calls[call.inputs[0]].shape.sizes, call.shape.sizes
    if before is not None and after is not None and given.rank == len(before):
        if call.kind is Kind.RESHAPE and name in ("view", "reshape", "flatten", "Flatten"):
            return regrouped(given, before, after)
        if name == "getitem" and "key" not in arguments:
            return embedded(given, before, after)
    if call.kind is Kind.SPLIT:
        return _part(graph, call, given)
    return rearranged(call.kind, name, inputs, values_of(arguments))


def _dim(call: Call) -> int | None:
    """Along which dimension it works, the first if not given; ``None`` is not known."""
    dim = value_of(call.arguments, "dim", 0)
    unnamed = any(name.isdecimal() for name in call.arguments)
    return dim if isinstance(dim, int) and not unnamed else None


def _part(graph: ModelGraph, call: Call, given: Axes) -> Axes:
    """What splitting and indexing leave."""
    name, dim = call.op, _dim(call)
    source, key = graph.calls[call.inputs[0]], value_of(call.arguments, "key", NOT_KNOWN)
    if name == "getitem":
        parts = source.op in _PARTS or source.op == "unbind"
        whole = parts or (source.op == "MultiheadAttention" and key == 0)
        return given if whole else indexed(given, key)
    rank = given.rank
    if rank is None or dim is None or not -rank <= dim < rank:
        return NOTHING
    if name in _PARTS:
        place = dim % rank
        axis = given.known[place]
        role = None if axis.role is Role.SAMPLES else axis.role
        return Axes((*given.known[:place], Axis(role), *given.known[place + 1 :]), True)
    return reduced(given, dim, False) if name in ("select", "unbind") else NOTHING


# -- several tensors --------------------------------------------------------------------------


def _combined(graph: ModelGraph, call: Call, inputs: Sequence[Axes]) -> Axes:
    """Parameters and masks are no larger than the tensors that they meet."""
    sources = graph.inputs_of(call)
    data = [
        axes
        for axes, source in zip(inputs, sources, strict=True)
        if source.inputs or source.kind is Kind.INPUT
    ]
    return broadcast(data, stretched=len(data) < len(inputs))


def _after_cat(call: Call, inputs: Sequence[Axes]) -> Axes:
    """A sum of sizes counts only where a front end saw all tensors that are put together."""
    dim = _dim(call)
    if call.op not in ("cat", "concat", "concatenate") or dim is None:
        return NOTHING
    made = rearranged(Kind.CAT, call.op, inputs, {"dim": dim})
    place = dim % len(made.known) if made.whole else None
    if place is None or (place == 1 and made.known[1].size == call.shape.channels):
        return made
    known = (replace(a, size=None) if i == place else a for i, a in enumerate(made.known))
    return Axes(tuple(known), True)
