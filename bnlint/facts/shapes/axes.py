"""What the dimensions of a tensor stand for, and how elementwise operations combine them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from math import prod

from bnlint.facts.types.graph import Layer
from bnlint.immutable import immutable


class Role(StrEnum):
    """What the entries of one dimension are."""

    SAMPLES = "samples"  # one entry for each sample that the model gets
    FEATURES = "features"  # one entry for each output of a layer's weights
    POSITIONS = "positions"  # pixels, time steps, tokens: they share the weights


@immutable
class Axis:
    """One dimension; ``None`` is not known.

    ``size`` is known only where layers and constants fix it, whatever the size of the model's
    input. ``layer`` is the one whose outputs the features are.
    """

    role: Role | None = None
    size: int | None = None
    layer: Layer | None = None


ANY = Axis()
POSITIONS = Axis(Role.POSITIONS)
ONE = Axis(Role.POSITIONS, 1)
"""A dimension of a single entry."""


@immutable
class Axes:
    """The leading dimensions of a tensor; ``whole`` says that there are no others."""

    known: tuple[Axis, ...] = ()
    whole: bool = False

    @property
    def rank(self) -> int | None:
        """The number of dimensions."""
        return len(self.known) if self.whole else None

    @property
    def first(self) -> Axis:
        """Dimension 0."""
        return self.known[0] if self.known else ANY

    @property
    def leading(self) -> "Axes":
        """What is left to say when nothing but dimension 0 is known to stay."""
        return Axes(self.known[:1])

    @property
    def unknown(self) -> "Axes":
        """As many dimensions, of which nothing is known."""
        return Axes((ANY,) * len(self.known), self.whole)

    def without(self, places: Collection[int]) -> "Axes":
        """The same without some of the known dimensions."""
        left = (axis for place, axis in enumerate(self.known) if place not in places)
        return Axes(tuple(left), self.whole)

    def extended(self, rank: int) -> "Axes":
        """The same as a tensor of ``rank`` dimensions; nothing is known of one of another rank."""
        if self.whole and len(self.known) == rank:
            return self
        if len(self.known) > rank or (self.whole and len(self.known) < rank):
            return Axes((ANY,) * rank, True)
        return Axes((*self.known, *(ANY,) * (rank - len(self.known))), True)


NOTHING = Axes()


def known_product(sizes: Iterable[int | None]) -> int | None:
    """The product, if all factors are known."""
    numbers = list(sizes)
    known = [number for number in numbers if number is not None]
    return prod(known) if len(known) == len(numbers) else None


def merged(axes: Sequence[Axis]) -> Axis:
    """The one dimension that neighbouring ones are flattened into."""
    more = [axis for axis in axes if axis.size != 1]
    if len(more) < 2:
        return (more or [*axes] or [ONE])[0]
    roles = {axis.role for axis in more}
    size = known_product(axis.size for axis in more)
    if Role.SAMPLES in roles or None in roles:
        return Axis(None, size)
    return Axis(Role.FEATURES if Role.FEATURES in roles else Role.POSITIONS, size)


def broadcast(several: Sequence[Axes], *, stretched: bool = False) -> Axes:
    """The dimensions of what an elementwise operation gives.

    ``stretched`` says that a tensor of which nothing is known takes part, as large as the others
    at most: what has one entry may become larger.
    """
    if not all(axes.whole for axes in several):
        same = {axes.first.role for axes in several} == {Role.SAMPLES}
        return several[0].leading if same else NOTHING
    rank = max((len(axes.known) for axes in several), default=0)
    columns = zip(*(_right_aligned(axes.known, rank) for axes in several), strict=True)
    made = tuple(_combined([axis for axis in column if axis is not None]) for column in columns)
    if stretched:
        made = tuple(replace(axis, size=None) if axis.size == 1 else axis for axis in made)
    return Axes(made, bool(several))


def _right_aligned(axes: tuple[Axis, ...], rank: int) -> list[Axis | None]:
    return [*(None for _ in range(rank - len(axes))), *axes]


def _combined(column: Sequence[Axis]) -> Axis:
    """One dimension of several tensors, of which some may have a single entry there."""
    more = [axis for axis in column if axis.size != 1]
    if not more:
        return column[0]
    roles = {axis.role for axis in more} - {None}
    sizes = {axis.size for axis in more} - {None}
    layers = [axis.layer for axis in more if axis.layer is not None]
    return Axis(
        roles.pop() if len(roles) == 1 else None,
        sizes.pop() if len(sizes) == 1 else None,
        layers[0] if layers else None,
    )


def joined(several: Sequence[Axes]) -> Axes:
    """What holds for each of several tensors."""
    if len({axes.rank for axes in several}) != 1 or not all(axes.whole for axes in several):
        return broadcast([axes.leading for axes in several]) if several else NOTHING
    columns = zip(*(axes.known for axes in several), strict=True)
    return Axes(tuple(_common(column) for column in columns), True)


def _common(column: Sequence[Axis]) -> Axis:
    first = column[0]
    return Axis(
        first.role if all(axis.role == first.role for axis in column) else None,
        first.size if all(axis.size == first.size for axis in column) else None,
        first.layer if all(axis.layer is first.layer for axis in column) else None,
    )
