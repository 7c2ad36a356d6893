"""How much there is to look through in what a call is given."""

from collections.abc import Collection
from itertools import islice

from bnlint.interpreter.core.values import Configuration, Value

MOST_LOOKED_AT = 1024
"""Items of a container that is looked through; longer ones hold data, not what a call is given."""
_DEEPEST_LOOK = 3
_CONTAINERS = frozenset({list, tuple, dict, Configuration})


def extent(values: Collection[Value]) -> int:
    """How many items a look through values and, a few levels deep, their containers meets.

    What is there several times is looked through once.
    """
    if _CONTAINERS.isdisjoint(map(type, values)):
        return len(values)
    return _extent(values, _DEEPEST_LOOK, set())


def _extent(values: Collection[Value], depth: int, seen: set[tuple[int, int]]) -> int:
    count = len(values)
    for value in islice(values, MOST_LOOKED_AT):
        if type(value) not in _CONTAINERS or not value or (id(value), depth) in seen:
            continue
        seen.add((id(value), depth))
        items: Collection[Value] = value.values() if isinstance(value, dict) else value  # type: ignore[assignment]
        more = _extent(items, depth - 1, seen) if depth > 1 else len(items)
        count += more - max(0, len(items) - MOST_LOOKED_AT)
    return count
