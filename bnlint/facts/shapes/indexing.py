"""What indexing and reducing leave of the dimensions of a tensor."""

from collections.abc import Iterator, Sequence
from types import EllipsisType

from bnlint.facts.shapes.axes import ANY, NOTHING, ONE, Axes, Axis, Role


def indexed(given: Axes, key: object) -> Axes:
    """``tensor[key]``."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if not given.whole:
        return given.leading if keys[:1] == [slice(None)] else NOTHING
    plain = all(k is None or _is_plain(k) for k in keys)
    if not plain or keys.count(...) > 1:
        return NOTHING
    taken = sum(k is not None and k is not ... for k in keys)
    spread = [slice(None)] * (len(given.known) - taken)
    at = keys.index(...) if ... in keys else len(keys)
    left = list(given.known)
    made = []
    for k in [*keys[:at], *spread, *keys[at + 1 :]]:
        if k is None:
            made.append(ONE)
        elif not left:
            return NOTHING
        else:
            made.extend(_taken(left.pop(0), k))
    return Axes((*made, *left), True)


def _is_plain(key: object) -> bool:
    return isinstance(key, int | slice | EllipsisType) and not isinstance(key, bool)


def _taken(axis: Axis, key: object) -> Iterator[Axis]:
    """A dimension as a slice leaves it; an index leaves nothing of it."""
    if key == slice(None):
        yield axis
    elif isinstance(key, slice):
        yield Axis(None if axis.role is Role.SAMPLES else axis.role, _size_of(axis.size, key))


def _size_of(size: int | None, key: slice) -> int | None:
    bounds = (key.start, key.stop, key.step)
    known = size is not None and all(bound is None or isinstance(bound, int) for bound in bounds)
    return len(range(size)[key]) if size is not None and known and key.step != 0 else None


def embedded(given: Axes, before: Sequence[int], after: Sequence[int]) -> Axes:
    """Some dimensions of a tensor are left out; which, is seen where only one choice fits."""
    fits = list(_embeddings(before, after))
    if len(fits) != 1 or not given.whole:
        return Axes((ANY,) * len(after), True)
    return Axes(tuple(given.known[place] for place in fits[0]), True)


def _embeddings(
    before: Sequence[int], after: Sequence[int], start: int = 0
) -> Iterator[tuple[int, ...]]:
    if not after:
        yield ()
        return
    for place in range(start, len(before)):
        if before[place] == after[0]:
            yield from ((place, *rest) for rest in _embeddings(before, after[1:], place + 1))


def reduced(given: Axes, dims: object, keeps: object) -> Axes:
    """A mean, sum or maximum over ``dims``."""
    listed = list(dims) if isinstance(dims, tuple | list) else [dims]
    numbers = [n for n in listed if isinstance(n, int) and not isinstance(n, bool)]
    rank = given.rank
    if not numbers or len(numbers) < len(listed) or keeps not in (True, False):
        return NOTHING
    if rank is None:
        return given.leading if all(number > 0 or number == -1 for number in numbers) else NOTHING
    places = {number % rank for number in numbers} if rank else set()
    if keeps is True:
        kept = (Axis(a.role, 1) if i in places else a for i, a in enumerate(given.known))
        return Axes(tuple(kept), True)
    return given.without(places)
