"""How layers and functions change rank and channels."""

from collections.abc import Mapping

from bnlint.facts.graph import Shape
from bnlint.facts.kind import Kind
from bnlint.interpreter.values import Instance, Tensor, Value

SAME = frozenset({Kind.ACTIVATION, Kind.DROPOUT, Kind.PASS, Kind.OTHER_NORM, Kind.PHI})
SPATIAL = frozenset({Kind.MAX_POOL, Kind.AVG_POOL, Kind.UPSAMPLE, Kind.PAD})


def after_layer(layer: Instance, kind: Kind, inputs: list[Tensor]) -> Shape:
    """The shape that a library layer gives."""
    given = inputs[0].shape if inputs else Shape()
    match kind:
        case Kind.CONV:
            dims = dimensions(layer.library)
            rank = given.rank if given.rank is not None else _batched(dims)
            return Shape(rank, None, _number(layer, "out_channels"))
        case Kind.LINEAR:
            out = _number(layer, "out_features")
            last = given.rank is None or given.rank > 2
            return Shape(given.rank, None, out, channels_last=last)
        case Kind.BATCH_NORM | Kind.INSTANCE_NORM:
            return _after_norm(layer, given)
        case Kind.RESHAPE:
            return _after_reshape_layer(layer, given)
        case _ if kind in SAME:
            return given
        case _ if kind in SPATIAL:
            dims = dimensions(layer.library)
            rank = given.rank if given.rank is not None else _batched(dims)
            return Shape(rank, None, given.channels if not given.channels_last else None)
    return Shape()


def _batched(dims: int | None) -> int | None:
    return None if dims is None else dims + 2


def _after_norm(layer: Instance, given: Shape) -> Shape:
    dims = dimensions(layer.library)
    rank = given.rank
    if rank is None and dims in (2, 3):
        rank = dims + 2
    if given.channels is not None:
        return Shape(rank, None, given.channels, given.channels_last)
    return Shape(rank, None, _number(layer, "num_features"))


def _after_reshape_layer(layer: Instance, given: Shape) -> Shape:
    if layer.library == "torch.nn.Flatten":
        start, end = _number(layer, "start_dim"), _number(layer, "end_dim")
        return after_flatten(
            given, start if start is not None else 1, end if end is not None else -1
        )
    if layer.library.startswith("torch.nn.Pixel"):
        return Shape(given.rank, None, None)
    if layer.library == "torch.nn.ChannelShuffle":
        return given
    return Shape()


def after_flatten(given: Shape, start: int, end: int) -> Shape:
    """The shape that ``flatten(start, end)`` gives."""
    if given.rank is None:
        return Shape(2) if (start, end) == (1, -1) else Shape()
    last = end % given.rank
    rank = given.rank - max(0, last - start % given.rank)
    return Shape(rank, None, given.channels if rank == given.rank else None)


def dimensions(library: str) -> int | None:
    """The number in ``Conv2d`` and the like."""
    digit = library[-2:-1]
    return int(digit) if library.endswith("d") and digit.isdigit() else None


def _number(layer: Instance, name: str) -> int | None:
    bound = layer.arguments.get(name)
    value = bound.value if bound is not None else None
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def after_function(
    kind: Kind, name: str, inputs: list[Tensor], constants: Mapping[str, Value]
) -> Shape:
    """The shape that a function or method of tensors gives."""
    given = inputs[0].shape if inputs else Shape()
    match kind:
        case _ if kind in SAME or name in ("neg", "abs", "clamp", "clip", "sqrt", "pow", "exp"):
            return given
        case Kind.BATCH_NORM | Kind.INSTANCE_NORM:
            return given
        case _ if kind in SPATIAL:
            dims = dimensions(name) if name[-2:-1].isdigit() else None
            rank = given.rank if given.rank is not None else _batched(dims)
            return Shape(rank, None, given.channels if not given.channels_last else None)
        case Kind.CAT:
            return _after_cat(name, inputs, constants)
        case Kind.RESHAPE:
            return _after_reshape(name, given, constants)
        case Kind.PERMUTE:
            return Shape(given.rank)
        case Kind.REDUCE:
            return _after_reduce(given, constants)
    return Shape()


def _after_cat(name: str, inputs: list[Tensor], constants: Mapping[str, Value]) -> Shape:
    ranks = {t.shape.rank for t in inputs}
    rank = ranks.pop() if len(ranks) == 1 else None
    if name not in ("cat", "concat", "concatenate"):
        return Shape(None if rank is None or name != "stack" else rank + 1)
    dim = constants.get("dim", 0)
    channels = [t.shape.channels for t in inputs]
    if any(t.shape.channels_last for t in inputs) or None in channels:
        return Shape(rank)
    if dim == 1 or (rank is not None and dim == 1 - rank):
        return Shape(rank, None, sum(c for c in channels if c is not None))
    return Shape(rank, None, channels[0] if len(set(channels)) == 1 else None)


def _after_reshape(name: str, given: Shape, constants: Mapping[str, Value]) -> Shape:
    match name:
        case "flatten":
            start, end = constants.get("start_dim", 0), constants.get("end_dim", -1)
            if isinstance(start, int) and isinstance(end, int):
                return after_flatten(given, start, end)
        case "view" | "reshape" | "resize_":
            return _after_view(constants.get("shape"))
        case "unsqueeze" if given.rank is not None:
            dim = constants.get("dim")
            after_channels = isinstance(dim, int) and (
                dim >= 2 or (dim < 0 and dim + given.rank >= 1)
            )
            return Shape(given.rank + 1, None, given.channels if after_channels else None)
        case "squeeze" if given.rank is not None:
            dim = constants.get("dim")
            if isinstance(dim, int) and dim % given.rank >= 2:
                return Shape(None, None, given.channels)
        case "expand_as" | "expand" | "channel_shuffle":
            return Shape(given.rank, None, given.channels)
    return Shape()


def _after_view(sizes: Value) -> Shape:
    if not isinstance(sizes, tuple | list) or not sizes:
        return Shape()
    if len(sizes) < 2:
        return Shape(len(sizes))
    channels = sizes[1] if isinstance(sizes[1], int) and sizes[1] > 0 else None
    return Shape(len(sizes), None, channels)


def _after_reduce(given: Shape, constants: Mapping[str, Value]) -> Shape:
    dim, keep = constants.get("dim"), constants.get("keepdim", False)
    if given.rank is None or dim is None or not isinstance(keep, bool):
        return Shape()
    dims = dim if isinstance(dim, tuple | list) else (dim,)
    if not all(isinstance(d, int) for d in dims):
        return Shape()
    reduced = {d % given.rank for d in dims if isinstance(d, int)}
    channels = given.channels if min(reduced) >= 2 else None
    return Shape(given.rank if keep else given.rank - len(reduced), None, channels)
