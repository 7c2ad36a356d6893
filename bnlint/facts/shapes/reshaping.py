"""What flattening, viewing and permuting do to the dimensions of a tensor."""

from collections.abc import Iterator, Mapping, Sequence

from bnlint.facts.shapes.axes import ANY, NOTHING, ONE, Axes, Axis, Role, known_product, merged

SIZE_OF_FIRST = None
"""In the sizes of a view: the size of dimension 0 of some tensor, as in ``view(x.size(0), -1)``."""


def flattened(given: Axes, start: object, end: object) -> Axes:
    """``flatten(start, end)``."""
    if not isinstance(start, int) or not isinstance(end, int):
        return NOTHING
    rank = given.rank
    if rank is None:
        both = (given.first, Axis(Role.FEATURES))
        return Axes(both, True) if (start, end) == (1, -1) else NOTHING
    if not -rank <= start < rank or not -rank <= end < rank:
        return NOTHING
    first, last = start % rank, end % rank
    middle = merged(given.known[first : last + 1])
    return Axes((*given.known[:first], middle, *given.known[last + 1 :]), True)


def viewed(given: Axes, sizes: object) -> Axes:
    """``view(*sizes)`` of a tensor whose own sizes are not known as a whole.

    Dimension 0 still counts samples if its size is taken from a tensor, or if the other sizes are
    all that one sample has.
    """
    if not isinstance(sizes, tuple) or not all(n is None or isinstance(n, int) for n in sizes):
        return NOTHING
    if len(sizes) < 2:
        return Axes((ANY,) * len(sizes), True)
    per_sample = known_product(axis.size for axis in given.known[1:]) if given.whole else None
    rest = [n if isinstance(n, int) and n >= 0 else None for n in sizes[1:]]
    stays = sizes[0] is SIZE_OF_FIRST or (
        per_sample is not None and known_product(rest) == per_sample
    )
    if given.first.role is not Role.SAMPLES or not stays:
        all_sizes = [n if isinstance(n, int) and n >= 0 else None for n in sizes]
        return Axes(tuple(Axis(None, number) for number in all_sizes), True)
    return Axes((given.first, *_rest_viewed(given, _filled(rest, per_sample))), True)


def _filled(sizes: list[int | None], whole: int | None) -> list[int | None]:
    """The sizes, with the one that is left open if all others are known."""
    known = known_product(n for n in sizes if n is not None)
    if whole is None or sizes.count(None) != 1 or not known:
        return sizes
    return [whole // known if number is None else number for number in sizes]


def _rest_viewed(given: Axes, sizes: list[int | None]) -> Iterator[Axis]:
    """The dimensions behind the samples: all in one, or the features and one for the others."""
    behind = given.known[1:]
    if len(sizes) == 1 and given.whole:
        whole = merged(behind)
        yield Axis(whole.role, sizes[0] if whole.size is None else whole.size, whole.layer)
    elif len(sizes) == 1:
        yield Axis(Role.FEATURES, sizes[0])
    elif behind and behind[0].size is not None and behind[0].size == sizes[0]:
        yield behind[0]
        positions = Role.POSITIONS if behind[0].role is Role.FEATURES else None
        yield from (Axis(positions, number) for number in sizes[1:])
    else:
        yield from (Axis(None, number) for number in sizes)


def regrouped(given: Axes, before: Sequence[int], after: Sequence[int]) -> Axes:
    """A view whose sizes before and after are known: equal products are the same entries."""
    made: list[Axis] = []
    i = j = 0
    while i < len(before) and j < len(after):
        old, new = _group(before, after, i, j)
        if old > len(before) or new > len(after):
            return Axes((ANY,) * len(after), True)
        made.extend(_regrouped(given.known[i:old], after[j:new]))
        i, j = old, new
    made.extend(ONE for _ in after[j:])
    return Axes(tuple(made), True)


def _group(before: Sequence[int], after: Sequence[int], i: int, j: int) -> tuple[int, int]:
    """Where the shortest runs from ``i`` and ``j`` with one product end; past the end if nowhere."""
    p, q = before[i], after[j]
    i, j = i + 1, j + 1
    while p != q:
        if p < q:
            if i == len(before):
                return i + 1, j
            p, i = p * before[i], i + 1
        else:
            if j == len(after):
                return i, j + 1
            q, j = q * after[j], j + 1
    return i, j


def _regrouped(old: Sequence[Axis], sizes: Sequence[int]) -> Iterator[Axis]:
    if len(sizes) == 1:
        yield merged(old)
        return
    single = old[0] if len(old) == 1 and sum(size != 1 for size in sizes) == 1 else None
    for size in sizes:
        if single is not None:
            yield ONE if size == 1 else single
        else:
            fixed = all(axis.size is not None for axis in old)
            yield Axis(None, size if fixed else None)


def squeezed(given: Axes, dim: object) -> Axes:
    """``squeeze(dim)``; without ``dim`` a batch of one sample would lose its dimension, too."""
    if not isinstance(dim, int):
        return NOTHING
    rank = given.rank
    if rank is None:
        return given.leading if dim > 0 or dim == -1 else NOTHING
    if not -rank <= dim < rank:
        return NOTHING
    axis = given.known[dim]
    if axis.size is None:
        return Axes(given.known[: dim % rank])
    return given.without({dim % rank}) if axis.size == 1 else given


def unsqueezed(given: Axes, dim: object) -> Axes:
    """``unsqueeze(dim)``."""
    rank = given.rank
    if not isinstance(dim, int) or rank is None or not -rank - 1 <= dim <= rank:
        return given.leading if isinstance(dim, int) and dim > 0 else NOTHING
    place = dim % (rank + 1)
    return Axes((*given.known[:place], ONE, *given.known[place:]), True)


def repeated(given: Axes, sizes: object, *, expands: bool) -> Axes:
    """``expand(*sizes)`` or ``repeat(*sizes)``; both put new dimensions first."""
    if not isinstance(sizes, tuple | list):
        return NOTHING
    more = len(sizes) - len(given.known)
    fits = given.whole and more >= 0
    before = (*(ONE,) * more, *given.known) if fits else (ANY,) * len(sizes)
    after = _expanded if expands else _repeated
    return Axes(tuple(after(axis, n) for axis, n in zip(before, sizes, strict=True)), True)


def _expanded(axis: Axis, size: object) -> Axis:
    if size == -1 or (size is SIZE_OF_FIRST and axis.size != 1):
        return axis
    return Axis(_kept(axis), size if isinstance(size, int) and size > 0 else None)


def _repeated(axis: Axis, times: object) -> Axis:
    if times == 1:
        return axis
    if axis.size is None or not isinstance(times, int):
        return Axis(_kept(axis))
    return Axis(_kept(axis), axis.size * times)


def _kept(axis: Axis) -> Role | None:
    """The role of a dimension with more entries than before: samples are no longer the model's."""
    return None if axis.role is Role.SAMPLES else axis.role


def permuted(given: Axes, order: Sequence[int] | None) -> Axes:
    """The dimensions in another order; ``None`` is one that is not known."""
    if order is None or not given.whole:
        return NOTHING
    return Axes(tuple(given.known[dim] for dim in order), True)


def order_after(op: str, rank: int, values: Mapping[str, object]) -> list[int] | None:
    """Which dimension of its input each dimension of a permutation's output is.

    ``values`` are those of the operation's arguments.
    """
    identity = list(range(rank))
    match op.rstrip("_"):
        case "flip" | "fliplr" | "flipud" | "roll":
            return identity
        case "permute":
            dims = values.get("shape", values.get("dims"))
            given = dims if isinstance(dims, tuple | list) else ()
            order = [d % rank for d in given if isinstance(d, int) and -rank <= d < rank]
            return order if sorted(order) == identity else None
        case "transpose" | "swapaxes" | "swapdims":
            first, second = values.get("dim0"), values.get("dim1")
        case "mT":
            first, second = -2, -1
        case "t" | "T" if rank == 2:
            first, second = 0, 1
        case _:
            return None
    if not isinstance(first, int) or not isinstance(second, int):
        return None
    if not -rank <= first < rank or not -rank <= second < rank:
        return None
    first, second = first % rank, second % rank
    identity[first], identity[second] = second, first
    return identity
