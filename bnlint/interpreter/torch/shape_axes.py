"""Shapes of tensors as dimensions, and back: what is known while executing are channels and rank."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bnlint.facts.shapes import rearranging
from bnlint.facts.shapes.axes import ANY, NOTHING, Axes, Axis, Role
from bnlint.facts.shapes.axes import broadcast as broadcast_axes
from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.interpreter.core.values import Value


def axes_of_shape(shape: Shape) -> Axes:
    """The dimensions of a tensor; its channels are the only features."""
    channels = Axis(Role.FEATURES, shape.channels)
    if shape.rank is None:
        known = shape.channels is not None and not shape.channels_last
        return Axes((ANY, channels)) if known else NOTHING
    if shape.rank < 2:
        return Axes((ANY,) * shape.rank, True)
    if shape.channels_last:
        return Axes((*(ANY,) * (shape.rank - 1), channels), True)
    return Axes((ANY, channels, *(ANY,) * (shape.rank - 2)), True)


def shape_of_axes(axes: Axes) -> Shape:
    """What a shape says of dimensions: the size of dimension 1, or else of features that are last."""
    second = axes.known[1] if len(axes.known) > 1 else ANY
    if axes.rank is None or second.size is not None or axes.rank < 3:
        return Shape(axes.rank, None, second.size or None)
    last = axes.known[-1]
    if last.role is Role.FEATURES and second.role is not Role.FEATURES:
        return Shape(axes.rank, None, last.size, channels_last=True)
    return Shape(axes.rank)


def rearranged(
    kind: Kind, name: str, shapes: Sequence[Shape], values: Mapping[str, Value]
) -> Shape:
    """The shape behind a reshape, a permutation, a reduction or a concatenation."""
    axes = [axes_of_shape(shape) for shape in shapes]
    known = {argument: _plain(value) for argument, value in values.items()}
    return shape_of_axes(rearranging.rearranged(kind, name, axes, known))


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """The shape of an elementwise operation's result."""
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0]
    made = shape_of_axes(broadcast_axes([axes_of_shape(shape) for shape in shapes]))
    return replace(made, batch=_rows(shapes))


def _rows(shapes: Sequence[Shape]) -> int | None:
    """The size of dimension 0 of an elementwise result: that of an operand with most dimensions, unless it is 1."""
    ranks = [shape.rank for shape in shapes if shape.rank is not None]
    if len(ranks) < len(shapes):
        return None
    sizes = {shape.batch for shape in shapes if shape.rank == max(ranks)} - {None, 1}
    return sizes.pop() if len(sizes) == 1 else None


def joined_rows(shapes: Sequence[Shape]) -> int | None:
    """The size of dimension 0 of tensors that are concatenated along it."""
    sizes = [shape.batch for shape in shapes if shape.batch is not None]
    return sum(sizes) if len(sizes) == len(shapes) else None


def _plain(value: Value) -> object:
    """A number that is not known is left open in a tuple of sizes."""
    if isinstance(value, tuple | list):
        return tuple(size if size is None or isinstance(size, int) else -1 for size in value)
    return value
