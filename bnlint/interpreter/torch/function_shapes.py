"""How functions and methods of tensors change rank and channels."""

from collections.abc import Mapping

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.interpreter.core.values import Tensor, Value
from bnlint.interpreter.torch.layer_shapes import (
    SAME,
    SPATIAL,
    after_flatten,
    after_shuffle,
    at_channels,
    batched,
    dimensions,
    halved,
)

ONE_BY_ONE = frozenset({"neg", "abs", "clamp", "clip", "sqrt", "pow", "exp"})
"""Functions of each number by itself, unless another tensor takes part."""
MOST_PARTS = 64
"""Parts that a tensor is split into one by one."""


def after_function(
    kind: Kind, name: str, inputs: list[Tensor], constants: Mapping[str, Value]
) -> Shape:
    """The shape that a function or method of tensors gives."""
    given = inputs[0].shape if inputs else Shape()
    match kind:
        case Kind.ACTIVATION if name == "glu":
            dim = constants.get("dim", -1)
            return halved(given, dim if isinstance(dim, int) else None)
        case _ if kind in SAME or (name in ONE_BY_ONE and len(inputs) == 1):
            return given
        case Kind.CONV if name.endswith("d"):
            return Shape(batched(dimensions(name)) if given.rank is None else given.rank)
        case Kind.BATCH_NORM | Kind.INSTANCE_NORM:
            return given
        case Kind.PAD:
            return _after_pad(given, constants.get("pad"))
        case _ if kind in SPATIAL:
            dims = dimensions(name) if name[-2:-1].isdigit() else None
            rank = given.rank if given.rank is not None else batched(dims)
            return Shape(rank, None, given.channels if not given.channels_last else None)
        case Kind.CAT:
            return _after_cat(name, inputs, constants)
        case Kind.RESHAPE:
            return _after_reshape(name, given, inputs, constants)
        case Kind.PERMUTE:
            return _after_permute(name, given, constants)
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


def _after_pad(given: Shape, pad: Value) -> Shape:
    """Pairs of numbers for the last dimension, the one before it, and so on."""
    if given.rank is None or given.channels_last or not isinstance(pad, tuple | list):
        return Shape(given.rank)
    before = 2 * (given.rank - 2)
    added = list(pad[before : before + 2])
    if given.channels is None or not all(isinstance(number, int) for number in added):
        return Shape(given.rank)
    return Shape(given.rank, None, given.channels + sum(added))


def _after_permute(name: str, given: Shape, constants: Mapping[str, Value]) -> Shape:
    rank = given.rank
    order = None if rank is None else _order(name, rank, constants)
    if rank is None or order is None or sorted(order) != list(range(rank)):
        return Shape(rank)
    place = order.index(rank - 1 if given.channels_last else 1) if rank > 1 else 0
    if place not in (1, rank - 1):
        return Shape(rank)
    return Shape(rank, None, given.channels, channels_last=place != 1)


def _order(name: str, rank: int, constants: Mapping[str, Value]) -> list[int] | None:
    """Which dimension of the input each dimension of the output is."""
    if name in ("flip", "fliplr", "flipud", "roll"):
        return list(range(rank))
    if name == "permute":
        dims = constants.get("shape", constants.get("dims"))
        given = list(dims) if isinstance(dims, tuple | list) else []
    else:
        given = [constants.get("dim0"), constants.get("dim1")]
    numbers = [d % rank for d in given if isinstance(d, int) and -rank <= d < rank]
    if name == "permute" or len(numbers) < 2 or name not in ("transpose", "swapaxes", "swapdims"):
        return numbers if name == "permute" and len(numbers) == len(given) == rank else None
    order = list(range(rank))
    first, second = numbers
    order[first], order[second] = second, first
    return order


def part_shapes(name: str, given: Shape, constants: Mapping[str, Value]) -> list[Shape] | None:
    """The shapes of what ``chunk`` or ``split`` gives; ``None`` where their number is not known."""
    dim = constants.get("dim", 0)
    across = at_channels(given, dim) if isinstance(dim, int) else None
    channels = given.channels if across else None
    sizes: list[int | None] | None = None
    match constants.get("chunks" if name == "chunk" else "split_size_or_sections"):
        case int(count) if name == "chunk" and 0 < count <= MOST_PARTS:
            sizes = [None] * count if channels is None else _cut(channels, -(-channels // count))
        case int(size) if name == "split" and size > 0 and channels is not None:
            sizes = _cut(channels, size)
        case list() | tuple() as written if name == "split":
            sizes = [size if across and isinstance(size, int) else None for size in written]
    if sizes is None or len(sizes) > MOST_PARTS:
        return None
    if across is False:
        sizes = [given.channels] * len(sizes)
    return [Shape(given.rank, None, size, given.channels_last) for size in sizes]


def _cut(whole: int, size: int) -> list[int | None]:
    return [min(size, whole - start) for start in range(0, whole, size)]


def _after_reshape(
    name: str, given: Shape, inputs: list[Tensor], constants: Mapping[str, Value]
) -> Shape:
    match name:
        case "flatten":
            start, end = constants.get("start_dim", 0), constants.get("end_dim", -1)
            if isinstance(start, int) and isinstance(end, int):
                return after_flatten(given, start, end)
        case "view" | "reshape" | "resize_":
            return _after_view(constants.get("shape"))
        case "unsqueeze" if given.rank is not None:
            return _after_unsqueeze(given, given.rank, constants.get("dim"))
        case "squeeze" if given.rank is not None:
            dim = constants.get("dim")
            if isinstance(dim, int) and dim % given.rank >= 2:
                return Shape(None, None, given.channels)
        case "expand_as" if len(inputs) > 1:
            return inputs[1].shape
        case "expand" | "repeat":
            return _after_repetition(name, given, constants.get("shape"))
        case "pixel_shuffle" | "pixel_unshuffle":
            up = name == "pixel_shuffle"
            factor = constants.get("upscale_factor" if up else "downscale_factor")
            return after_shuffle(given, factor if isinstance(factor, int) else None, up=up)
        case "channel_shuffle":
            return given
    return Shape()


def _after_unsqueeze(given: Shape, rank: int, dim: Value) -> Shape:
    if not isinstance(dim, int) or given.channels_last:
        return Shape(rank + 1)
    place = dim % (rank + 1)
    channels = 1 if place == 1 else given.channels if place >= 2 else None
    return Shape(rank + 1, None, channels)


def _after_repetition(name: str, given: Shape, sizes: Value) -> Shape:
    if not isinstance(sizes, tuple | list) or len(sizes) < 2:
        return Shape()
    channels, number = given.channels, sizes[1]
    same_rank = len(sizes) == given.rank and not given.channels_last
    if name == "expand" and isinstance(number, int) and number > 0:
        return Shape(len(sizes), None, number)
    if channels is None or not same_rank or not isinstance(number, int):
        return Shape(len(sizes))
    return Shape(len(sizes), None, channels if name == "expand" else channels * number)


def _after_view(sizes: Value) -> Shape:
    if not isinstance(sizes, tuple | list) or not sizes:
        return Shape()
    if len(sizes) < 2:
        return Shape(len(sizes))
    channels = sizes[1] if isinstance(sizes[1], int) and sizes[1] > 0 else None
    return Shape(len(sizes), None, channels)


def _after_reduce(given: Shape, constants: Mapping[str, Value]) -> Shape:
    dim, keep = constants.get("dim"), constants.get("keepdim", False)
    if given.rank is None or dim is None or isinstance(dim, bool) or not isinstance(keep, bool):
        return Shape()
    dims = dim if isinstance(dim, tuple | list) else (dim,)
    if not all(isinstance(d, int) for d in dims):
        return Shape()
    reduced = {d % given.rank for d in dims if isinstance(d, int)}
    rank = given.rank if keep else given.rank - len(reduced)
    if given.channels_last:
        return Shape(rank)
    if keep:
        return Shape(rank, None, 1 if 1 in reduced else given.channels)
    return Shape(rank, None, given.channels if min(reduced) >= 2 else None)
