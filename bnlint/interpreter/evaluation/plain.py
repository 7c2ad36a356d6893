"""Known values as Python's own: without origins, of bounded size."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bnlint.interpreter.core.values import Float, Int, Value
from bnlint.interpreter.evaluation.allowance import (
    FREE,
    HEAVIEST,
    LONGEST_TEXT,
    MOST_BITS,
    Allowance,
    NotPlain,
    TooLarge,
    small,
)
from bnlint.interpreter.evaluation.vectors import Vector

Plain: TypeAlias = object
Weighed: TypeAlias = tuple[Plain, int, int]
"""A plain value, its weight and how deep its containers nest."""


@dataclass(slots=True)
class Scales:
    """What weighs one value: how much it takes, and the containers that were weighed."""

    most: int
    seen: dict[int, Weighed] = field(default_factory=dict)
    lost: int = 0
    """Items that were weighed of containers that are too heavy or not plain."""


HEAVIEST_ARGUMENT = 1_000
"""Weight of an argument that rules see."""
DEEPEST = 8
"""Containers within containers."""
_HEAVY = object()
ATOMS = frozenset({type(None), bool, float, complex, type(...)})


def plain(value: Value, allowance: Allowance) -> Plain:
    """A known value without the origins of its numbers; its weight is taken off.

    Raises:
        NotPlain: it is or holds something else, or nests too deep (as what holds itself does).
        TooLarge: it is too heavy.
    """
    light = _light(value)
    if light is not _HEAVY:
        return light
    scales = Scales(max(FREE, min(HEAVIEST, allowance.entry)))
    try:
        made, weight, _ = _weighed(value, DEEPEST, scales)
    except (NotPlain, TooLarge):
        allowance.lose(scales.lost)
        raise
    allowance.spend(weight)
    return made


def fits(value: Value) -> bool:
    """Whether a value is known, and light enough for what goes through it at every call."""
    try:
        plain(value, Allowance(entry=HEAVIEST_ARGUMENT))
    except (NotPlain, TooLarge):
        return False
    return True


def _light(value: Any) -> Plain:
    """The plain value of what costs nothing, as most values do; others are ``_HEAVY``."""
    kind = type(value)
    if kind in ATOMS:
        return value
    if kind is int or kind is Int:
        return int(value) if value.bit_length() <= MOST_BITS else _HEAVY
    if kind is Float:
        return float(value)
    return value if kind is str and len(value) <= FREE else _HEAVY


def _weighed(value: Value, depth: int, scales: Scales) -> Weighed:
    match value:
        case None | bool():
            return value, 1, 0
        case int():
            return small(int(value)), 1 + (value.bit_length() >> 6), 0
        case float():
            return float(value), 1, 0
        case str():
            return _short(str(value)), 1 + (len(value) >> 2), 0
        case bytes():
            return _short(value), 1 + (len(value) >> 2), 0
        case list() | tuple() | set() | frozenset() | dict():
            return _container(value, depth, scales)
        case slice(start=start, stop=stop, step=step):
            bounds = [_weighed(bound, 0, scales)[0] for bound in (start, stop, step)]
            return slice(*bounds), 1, 0
        case range():
            return value, 1 + len(value), 0
        case complex():
            return value, 1, 0
    if value is ...:
        return value, 1, 0
    raise NotPlain(type(value).__name__)


def _container(
    value: list[Value] | tuple[Value, ...] | set[Value] | frozenset[Value] | dict[Value, Value],
    depth: int,
    scales: Scales,
) -> Weighed:
    known = scales.seen.get(id(value))
    if known is not None and known[2] <= depth:
        return known
    if depth == 0:
        raise NotPlain("nested too deep")
    if len(value) > scales.most:
        raise TooLarge
    pairs = value.items() if isinstance(value, dict) else ()
    items: Iterable[Value] = (part for pair in pairs for part in pair) if pairs else value
    parts: list[Weighed] = []
    try:
        parts.extend(_weighed(item, depth - 1, scales) for item in items)
        weight = 1 + sum(part[1] for part in parts)
        if weight > scales.most:
            raise TooLarge
    except (NotPlain, TooLarge):
        scales.lost += len(parts)
        raise
    height = 1 + max((part[2] for part in parts), default=0)
    made = scales.seen[id(value)] = _made(value, [part[0] for part in parts]), weight, height
    return made


def _made(value: Value, parts: list[Plain]) -> Plain:
    if isinstance(value, dict):
        return dict(zip(parts[::2], parts[1::2], strict=True))
    kinds: tuple[Callable[[list[Plain]], Plain], ...] = (Vector, list, tuple, set, frozenset)  # type: ignore[assignment]
    return next(kind(parts) for kind in kinds if isinstance(value, kind))  # type: ignore[arg-type]


def _short(text: Plain) -> Plain:
    if len(text) > LONGEST_TEXT:  # type: ignore[arg-type]
        raise TooLarge
    return text


def admitted(result: Plain, allowance: Allowance) -> Plain:
    """The result of an operation, its weight taken off; raises as :func:`plain` does."""
    if _light(result) is not _HEAVY or isinstance(result, range):
        return result
    _, weight, _ = _weighed(result, DEEPEST, Scales(HEAVIEST))
    allowance.spend(weight)
    return result
