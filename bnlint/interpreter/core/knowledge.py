"""How much is known of a value, and of what a container holds."""

from collections.abc import Sequence

from bnlint.interpreter.core.values import (
    FURTHER,
    SHUFFLED,
    SOME_ITEMS,
    Many,
    Maybe,
    Tensor,
    Unknown,
    Value,
)


def open_at(items: Value) -> int | None:
    """From which place on the items of a list or tuple are not known, not even their number."""
    if not isinstance(items, list | tuple):
        return None
    if not OPENING.intersection(map(type, items)):
        return None
    return next((i for i, item in enumerate(items) if may_be_absent(item)), None)


OPENING = frozenset({Unknown, Maybe})
"""The types of items that may stand for none, or for many."""


def may_be_absent(entry: Value) -> bool:
    """Whether an entry may stand for none at all."""
    match entry:
        case Maybe():
            return True
        case Unknown(reason=reason):
            return reason == SOME_ITEMS
    return False


LOADED = ("load()", "published weights")
"""How the reasons of values end that come from a file."""


def is_saved(value: Value) -> bool:
    """Whether a value, or what it is a part of, comes from a file."""
    return isinstance(value, Unknown) and value.reason.endswith(LOADED)


def is_further(entry: Value) -> bool:
    """Whether an entry stands for what is added in further passes of a loop."""
    return type(entry) is Unknown and entry.reason == FURTHER


def in_random_order(value: Value) -> bool:
    """Whether a value holds samples, or their indices, in an order that was drawn."""
    match value:
        case Tensor(drawn=drawn):
            return drawn
        case Many(element=element):
            return in_random_order(element)
    return value is SHUFFLED


CONCRETE = (type(None), bool, int, float, str, bytes, complex, range, slice, type(...))
"""Types whose values are themselves."""


def is_known(value: Value, depth: int = 8) -> bool:
    """Whether a value is wholly Python's own, containers included (``depth`` levels deep)."""
    return isinstance(value, CONCRETE) or _holds_known(value, depth, {})


def _holds_known(value: Value, depth: int, seen: dict[int, int]) -> bool:
    """Whether a container does; ``seen`` says how deep those were looked into that do."""
    match value:
        case list() | tuple() | set() | frozenset():
            parts = iter(value)
        case dict():
            parts = iter(value.values())
        case _:
            return False
    if seen.get(id(value), 0) >= depth:
        return depth > 0
    known = depth > 0 and all(
        isinstance(part, CONCRETE) or _holds_known(part, depth - 1, seen) for part in parts
    )
    seen[id(value)] = depth if known else 0
    return known


_PLAIN = (*CONCRETE, list, tuple, dict, set, frozenset)


def open_one(values: Sequence[Value]) -> Value:
    """The first of several values that is not Python's own, for which a result is not known."""
    return next((value for value in values if not isinstance(value, _PLAIN)), None)
