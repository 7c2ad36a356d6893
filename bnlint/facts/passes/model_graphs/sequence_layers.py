"""What embeddings, recurrent layers and attention do to the dimensions of a tensor."""

from bnlint.facts.shapes.axes import ANY, NOTHING, POSITIONS, Axes, Axis, Role
from bnlint.facts.types.graph import Call, Layer
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import value_of


def is_packed(call: Call, source: Call) -> bool:
    """Whether sequences of several lengths are stored without padding, in fewer dimensions."""
    if call.kind is Kind.RECURRENT:
        return source.op in ("pack_padded_sequence", "pack_sequence")
    return call.op == "data" and source.kind is Kind.RECURRENT


def after_sequence_layer(call: Call, given: Axes) -> Axes:
    """Layers whose features are the last dimension, behind samples and positions.

    Where nothing is known of what they get, ``batch_first`` tells that there are samples at all.
    """
    features = _features(call, given)
    if call.kind is Kind.EMBEDDING:
        if call.op.lower().replace("_", "") == "embeddingbag":
            return Axes((ANY, features), True)
        places = (axis if axis.role is Role.SAMPLES else POSITIONS for axis in given.known)
        return Axes((*places, features), True) if given.whole else given.leading
    if call.op.endswith(("Cell", "_cell")):
        return Axes((given.first, features), True)
    if given.whole:
        return Axes((*given.known[:-1], features), True) if given.known else NOTHING
    if call.layer is None or value_of(call.layer.arguments, "batch_first") is not True:
        return NOTHING
    return Axes((given.first, POSITIONS, features), True)


_WIDTHS = ("proj_size", "hidden_size", "embedding_dim", "embed_dim", "d_model")


def _features(call: Call, given: Axes) -> Axis:
    layer = call.layer
    if layer is None:
        return Axis(Role.FEATURES)
    width = next((n for name in _WIDTHS if (n := _number(layer, name))), None)
    if value_of(layer.arguments, "bidirectional", False) is not False:
        twice = value_of(layer.arguments, "bidirectional") is True and width is not None
        return Axis(Role.FEATURES, 2 * width if twice and width is not None else None)
    if width is None and call.kind is Kind.ATTENTION and given.whole and given.known:
        return given.known[-1]
    return Axis(Role.FEATURES, width, layer)


def _number(layer: Layer, name: str) -> int | None:
    value = value_of(layer.arguments, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
