"""What operations that compute no new numbers do to dimensions, by their names and arguments."""

from collections.abc import Mapping, Sequence

from bnlint.facts.shapes.axes import NOTHING, POSITIONS, Axes, Axis, Role, broadcast, joined
from bnlint.facts.shapes.indexing import reduced
from bnlint.facts.shapes.reshaping import (
    flattened,
    order_after,
    permuted,
    repeated,
    squeezed,
    unsqueezed,
    viewed,
)
from bnlint.facts.types.kind import Kind

_LARGEST_FACTOR = 1_000
"""By which a pixel shuffle multiplies; a larger one is no size."""


def rearranged(kind: Kind, name: str, inputs: Sequence[Axes], values: Mapping[str, object]) -> Axes:
    """The dimensions behind a reshape, a permutation, a reduction or a concatenation.

    ``name`` is that of the function, method or layer, ``values`` are those of its arguments.
    """
    given = inputs[0]
    match kind:
        case Kind.RESHAPE:
            return _reshaped(name, inputs, values)
        case Kind.PERMUTE:
            rank = given.rank
            return permuted(given, None if rank is None else order_after(name, rank, values))
        case Kind.REDUCE if len(inputs) > 1:
            return broadcast(inputs)
        case Kind.REDUCE:
            return reduced(given, values.get("dim"), values.get("keepdim", False))
        case Kind.CAT if name in ("cat", "concat", "concatenate"):
            return _concatenated(inputs, values.get("dim", 0))
        case Kind.CAT if name == "stack":
            return _stacked(inputs, values.get("dim", 0))
    return NOTHING


def _reshaped(name: str, inputs: Sequence[Axes], values: Mapping[str, object]) -> Axes:
    given = inputs[0]
    match name:
        case "flatten" | "Flatten":
            start = values.get("start_dim", 1 if name == "Flatten" else 0)
            return flattened(given, start, values.get("end_dim", -1))
        case "view" | "reshape":
            return viewed(given, values.get("shape"))
        case "squeeze":
            return squeezed(given, values.get("dim"))
        case "unsqueeze":
            return unsqueezed(given, values.get("dim"))
        case "expand" | "repeat":
            return repeated(given, values.get("shape"), expands=name == "expand")
        case "expand_as" if len(inputs) > 1:
            return inputs[1]
        case "PixelShuffle" | "pixel_shuffle":
            return _shuffled(given, values.get("upscale_factor"), up=True)
        case "PixelUnshuffle" | "pixel_unshuffle":
            return _shuffled(given, values.get("downscale_factor"), up=False)
        case "ChannelShuffle" | "channel_shuffle":
            return given
    return NOTHING


def _shuffled(given: Axes, factor: object, *, up: bool) -> Axes:
    """Squares of pixels become channels, or, with ``up``, channels become squares of pixels."""
    features = Axis(Role.FEATURES)
    if len(given.known) > 1 and isinstance(factor, int) and 0 < factor <= _LARGEST_FACTOR:
        size = given.known[1].size
        square = factor**2
        after = None if size is None else size // square if up else size * square
        features = Axis(Role.FEATURES, after)
    return Axes((given.first, features, POSITIONS, POSITIONS), True)


def _concatenated(several: Sequence[Axes], dim: object) -> Axes:
    place = _place(several, dim)
    if place is None:
        return NOTHING
    axis = joined([Axes((axes.known[place],), True) for axes in several]).known[0]
    sizes = [axes.known[place].size for axes in several]
    total = sum(n for n in sizes if n is not None) if None not in sizes else None
    role = None if axis.role is Role.SAMPLES else axis.role
    others = broadcast([Axes((*a.known[:place], *a.known[place + 1 :]), True) for a in several])
    return Axes((*others.known[:place], Axis(role, total), *others.known[place:]), True)


def _place(several: Sequence[Axes], dim: object) -> int | None:
    """Which dimension of several tensors of one rank a number means."""
    ranks = {axes.rank for axes in several}
    rank = ranks.pop() if len(ranks) == 1 else None
    if rank is None or not isinstance(dim, int) or not -rank <= dim < rank:
        return None
    return dim % rank


def _stacked(several: Sequence[Axes], dim: object) -> Axes:
    made = _concatenated([unsqueezed(axes, dim) for axes in several], dim)
    place = dim % len(made.known) if isinstance(dim, int) and made.whole else None
    new = (Axis(None, a.size) if i == place else a for i, a in enumerate(made.known))
    return Axes(tuple(new), made.whole)
