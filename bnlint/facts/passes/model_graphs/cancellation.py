"""Which biases a BatchNorm subtracts again with the mean of each channel."""

import re

from bnlint.facts.shapes.reshaping import order_after
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import values_of

_INTERPOLATION = re.compile(r"Upsample|Upsampling\w+2d|interpolate|upsample(_bilinear|_nearest)?")
_AVERAGE = re.compile(r"(Adaptive)?AvgPool\dd|(adaptive_)?avg_pool\dd")


def cancelling_norm(graph: ModelGraph, layer: Layer, call: Call) -> Call | None:
    """The BatchNorm call that cancels the bias of one call of a conv or linear layer.

    The output must run into it alone, through operations that turn a shift of a channel into a
    shift of the same channel that is the same everywhere, and the mean must be taken along exactly
    the dimension that the bias has a number for. Padding with zeros, activations and dropout are
    no such operations.
    """
    axis: int | None = _channel_axis(call)
    current = call
    while axis is not None:
        users = graph.users_of(current)
        if len(users) != 1 or current.index in graph.outputs:
            return None
        user = users[0]
        if user.kind is Kind.BATCH_NORM:
            adjacent = current is call
            return user if _subtracts(layer, call, user, axis, adjacent=adjacent) else None
        axis = _axis_after(graph, user, axis)
        current = user
    return None


def _channel_axis(call: Call) -> int:
    """The dimension that the bias runs along; -1 is the last one of an unknown number."""
    if call.kind is Kind.CONV:
        return 1
    return -1 if call.shape.rank is None else call.shape.rank - 1


def _axis_after(graph: ModelGraph, user: Call, axis: int) -> int | None:
    """Where that dimension is after an operation; ``None`` if more than a shift comes out."""
    match user.kind:
        case Kind.PASS | Kind.MAX_POOL:
            return axis
        case Kind.DROPOUT if _drops_nothing(user):
            return axis
        case Kind.UPSAMPLE if _INTERPOLATION.fullmatch(user.op):
            return axis
        case Kind.AVG_POOL if _AVERAGE.fullmatch(user.op) and not _counts_padding(user):
            return axis
        case Kind.MUL if len(user.inputs) == 1 and _number(user, "other") is not None:
            return axis
        case Kind.PERMUTE if (rank := _rank(graph, user)) is not None:
            order = order_after(user.op, rank, values_of(user.arguments))
            return order.index(axis % rank) if order is not None else None
    return None


def _rank(graph: ModelGraph, permutation: Call) -> int | None:
    """How many dimensions are rearranged: if nothing else says that, as many as a BatchNorm behind takes.

    It takes tensors without positions, too, but there is nothing to rearrange in these.
    """
    if permutation.shape.rank is not None:
        return permutation.shape.rank
    current = permutation
    while current.kind in (Kind.PERMUTE, Kind.PASS) and len(graph.users_of(current)) == 1:
        (current,) = graph.users_of(current)
    norm = current.layer if current.kind is Kind.BATCH_NORM else None
    return None if norm is None or norm.dimensions is None else norm.dimensions + 2


def _drops_nothing(dropout: Call) -> bool:
    """Whether a dropout has a probability of 0, which no option of the command line changes."""
    given = dropout.arguments if dropout.layer is None else dropout.layer.arguments
    probability = given.get("p")
    return probability is not None and probability.number == 0 and probability.option is None


def _counts_padding(pool: Call) -> bool:
    """Whether an average pool averages over zeros that it pads with."""
    given = pool.arguments if pool.layer is None else pool.layer.arguments
    padding, counts = given.get("padding"), given.get("count_include_pad")
    if padding is None or padding.number == 0:
        return False
    if isinstance(padding.value, tuple | list) and not any(padding.value):
        return False
    return counts is None or counts.value is not False


def _number(call: Call, name: str) -> float | None:
    argument = call.arguments.get(name)
    return None if argument is None else argument.number


def _subtracts(layer: Layer, call: Call, norm: Call, axis: int, *, adjacent: bool) -> bool:
    """Whether a BatchNorm takes the mean along exactly the dimension of the bias."""
    batch_norm = norm.layer
    if batch_norm is None or batch_norm.own_forward:
        return False
    if (call.certain and not norm.certain) or not (layer.certain and batch_norm.certain):
        return False
    if axis not in (1, -1) or not _fits(layer, batch_norm, axis):
        return False
    if layer.channels is not None and batch_norm.channels is not None:
        return layer.channels == batch_norm.channels
    return adjacent and (axis == 1 or _same_text(layer, batch_norm))


def _fits(layer: Layer, batch_norm: Layer, axis: int) -> bool:
    """Whether the BatchNorm takes tensors of the rank that the layer gives."""
    if batch_norm.dimensions is None:
        return True
    if layer.kind is Kind.CONV:
        return layer.dimensions == batch_norm.dimensions
    return axis == 1 or batch_norm.dimensions == 1


def _same_text(layer: Layer, batch_norm: Layer) -> bool:
    """Whether a linear layer's unknown size is written as the BatchNorm's is."""
    out, features = layer.arguments.get("out_features"), batch_norm.arguments.get("num_features")
    if out is None or features is None or out.site is None or features.site is None:
        return False
    return out.site.text == features.site.text
