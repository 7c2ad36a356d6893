"""How functions and methods of tensors change rank and channels."""

from collections.abc import Mapping

from bnlint.facts.shapes.elementwise import keeps_sizes
from bnlint.facts.types.graph import Shape, dimensions_of
from bnlint.facts.types.kind import Kind
from bnlint.interpreter.core.values import Tensor, Value
from bnlint.interpreter.torch.layer_shapes import (
    SAME,
    SPATIAL,
    at_channels,
    batched,
    halved,
)
from bnlint.interpreter.torch.shape_axes import rearranged

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
        case _ if kind in SAME or (
            len(inputs) == 1 and keeps_sizes(name, len(inputs) + len(constants))
        ):
            return given
        case Kind.CONV if name.endswith("d"):
            return Shape(batched(dimensions_of(name)) if given.rank is None else given.rank)
        case Kind.BATCH_NORM | Kind.INSTANCE_NORM:
            return given
        case Kind.PAD:
            return _after_pad(given, constants.get("pad"))
        case _ if kind in SPATIAL:
            dims = dimensions_of(name) if name[-2:-1].isdigit() else None
            rank = given.rank if given.rank is not None else batched(dims)
            return Shape(rank, None, given.channels if not given.channels_last else None)
        case Kind.CAT | Kind.RESHAPE | Kind.PERMUTE | Kind.REDUCE if inputs:
            return rearranged(kind, name, [tensor.shape for tensor in inputs], constants)
    return Shape()


def _after_pad(given: Shape, pad: Value) -> Shape:
    """Pairs of numbers for the last dimension, the one before it, and so on."""
    if given.rank is None or given.channels_last or not isinstance(pad, tuple | list):
        return Shape(given.rank)
    before = 2 * (given.rank - 2)
    added = list(pad[before : before + 2])
    if given.channels is None or not all(isinstance(number, int) for number in added):
        return Shape(given.rank)
    return Shape(given.rank, None, given.channels + sum(added))


def part_shapes(name: str, given: Shape, constants: Mapping[str, Value]) -> list[Shape] | None:
    """The shapes of what ``chunk`` or ``split`` gives; ``None`` where their number is not known."""
    dim = constants.get("dim", 0)
    across = at_channels(given, dim) if isinstance(dim, int) else None
    channels = (given.channels or None) if across else None
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
