"""Lists, tuples, sets and dicts of any values: moved, repeated and looked up, never looked into."""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    Partial,
    Static,
    Super,
)
from bnlint.interpreter.core.values import SOME_ITEMS, Choice, Library, Many, Tensor, Unknown, Value
from bnlint.interpreter.evaluation.allowance import (
    HEAVIEST,
    Allowance,
    NotPlain,
    TooLarge,
    require,
)
from bnlint.interpreter.evaluation.plain import DEEPEST, plain

HEAVIEST_KEY = 1_000
"""Items of a tuple, those within it included, that can be looked up."""
MOST_ROWS = 1024
"""Rows of a product and the like that are listed one by one."""
_SIMPLE = (type(None), bool, int, float, complex, str, bytes)
_CONTAINERS = (list, tuple, dict, set, frozenset, range, slice)
_OBJECTS = (Instance, Class, Function, Tensor, Library)
"""What is equal to itself alone; a library's names are equal when they read the same."""


def add(left: Any, right: Any, allowance: Allowance) -> Value:
    """``left + right`` of lists or tuples."""
    allowance.build(len(left) + len(right))
    return left + right


def repeat(items: Any, times: Any, allowance: Allowance) -> Value:
    """``items * times``."""
    allowance.build(len(items) * max(0, times))
    return items * times


def unite(left: Any, right: Any, allowance: Allowance) -> Value:
    """``left | right`` of dicts or sets."""
    allowance.build(len(left) + len(right))
    return left | right


def item_of(container: Any, key: Value, allowance: Allowance) -> Value:
    """``container[key]``, else unknown."""
    try:
        if isinstance(container, dict):
            require_key(key)
        made = container[key]
        if isinstance(key, slice):
            allowance.build(0 if isinstance(made, range) else len(made))
        return made
    except Exception:
        return Unknown("item")


def holds(
    container: Any, value: Value, may_be: Callable[[Value], bool], allowance: Allowance
) -> bool | None:
    """``value in container``, or ``None``; ``may_be`` says which items may be anything."""
    allowance.build(len(container))
    if isinstance(container, dict | set | frozenset):
        require_key(value)
        answers: set[bool | None] = {value in container}
    else:
        answers = {equal(value, item, allowance) for item in container}
    if True in answers:
        return True
    return None if None in answers or any(map(may_be, container)) else False


def in_range(value: Value, numbers: range) -> bool | None:
    """``value in numbers``; what is no number would be compared with each."""
    if isinstance(value, complex):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return int(value) in numbers if isinstance(value, int) else False


def equal(left: Value, right: Value, allowance: Allowance) -> bool | None:
    """Whether ``left == right``; ``None`` where that is not known."""
    if left is right:
        return True
    if isinstance(left, _SIMPLE) and isinstance(right, _SIMPLE):
        return left == right
    for one, other in ((left, right), (right, left)):
        if isinstance(one, _SIMPLE) and isinstance(other, _CONTAINERS):
            return False
    if isinstance(left, Library) and isinstance(right, Library):
        return left.path == right.path
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if isinstance(left, _OBJECTS) or isinstance(right, _OBJECTS):
        return False
    match left, right:
        case Method(), Method():
            return left.function is right.function and left.receiver is right.receiver
        case Builtin(), Builtin():
            return left.name == right.name and left.receiver is right.receiver
    try:
        return bool(plain(left, allowance) == plain(right, allowance))
    except NotPlain:
        return None


def require_key(value: Value) -> None:
    """Raise TypeError for what cannot be a key, :class:`TooLarge` for what takes long to hash."""
    if not isinstance(value, _SIMPLE):
        _weigh_key(value, DEEPEST)


def _weigh_key(value: Value, depth: int) -> int:
    match value:
        case list() | dict() | set() | slice():
            raise TypeError("unhashable")
        case tuple() | frozenset():
            return _weigh_parts(value, depth)
        case Method(receiver=part) | Builtin(receiver=part) | Super(receiver=part):
            return _weigh_parts([part], depth)
        case Many(element=part) | Static(function=part):
            return _weigh_parts([part], depth)
        case Choice(values=parts):
            return _weigh_parts(parts, depth)
        case Partial(callee=callee, positional=positional, keywords=keywords):
            return _weigh_parts([callee, positional, keywords], depth)
    return 1


def _weigh_parts(parts: Collection[Value], depth: int) -> int:
    if depth == 0 or len(parts) > HEAVIEST_KEY:
        raise TooLarge
    weight = 1
    for part in parts:
        weight += _weigh_key(part, depth - 1)
        if weight > HEAVIEST_KEY:
            raise TooLarge
    return weight


def is_key(value: Value) -> bool:
    """Whether a value can be looked up, and that soon."""
    try:
        require_key(value)
    except (TypeError, TooLarge):
        return False
    return True


def set_of(items: list[Value], allowance: Allowance) -> Value:
    """``set(items)``, else unknown."""
    if all(map(is_key, items)) and allowance.takes(len(items)):
        return set(items)
    return Unknown("set")


def ordered(
    values: list[Value], allowance: Allowance, *, reverse: bool = False
) -> list[int] | None:
    """The places of the values in ascending order; ``None`` where there is none."""
    try:
        keys: Any = plain(list(values), allowance)
        return sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)
    except Exception:
        return None


def extreme(name: str, values: list[Value], allowance: Allowance) -> int | None:
    """The place of the ``max`` or ``min`` of values; ``None`` where there is none."""
    best = max if name == "max" else min
    try:
        keys: Any = plain(list(values), allowance)
        return best(range(len(keys)), key=keys.__getitem__)
    except Exception:
        return None


# -- what changes a container ---------------------------------------------------------------------


def _extend(items: list[Value], more: Sequence[Value]) -> None:
    items.extend(more)


def _pop_any(items: set[Value]) -> Value:
    """``items.pop()``: which item that is depends on the process."""
    if len(items) <= 1:
        return items.pop()
    items.clear()
    items.add(Unknown(SOME_ITEMS))
    return Unknown("pop()")


def _set_item(container: Any, key: Value, value: Value) -> None:
    container[key] = value


CHANGES: Mapping[type, Mapping[str, Callable[..., Value]]] = {
    list: {
        "append": list.append,
        "extend": _extend,
        "insert": list.insert,
        "remove": list.remove,
        "pop": list.pop,
        "clear": list.clear,
        "reverse": list.reverse,
        "__setitem__": _set_item,
    },
    dict: {
        "update": dict.update,
        "setdefault": dict.setdefault,
        "pop": dict.pop,
        "popitem": dict.popitem,
        "clear": dict.clear,
        "__setitem__": _set_item,
    },
    set: {
        "add": set.add,
        "update": set.update,
        "discard": set.discard,
        "remove": set.remove,
        "pop": _pop_any,
        "clear": set.clear,
    },
}
"""Methods that change a container, by its type and their name."""


def changes(container: Value, name: str) -> bool:
    """Whether a method changes the container."""
    return any(isinstance(container, kind) and name in CHANGES[kind] for kind in CHANGES)


def change(container: Value, name: str, values: list[Value], allowance: Allowance) -> Value:
    """Call a method that changes a container; its result, else unknown.

    A list that could not be changed as it should holds an item that says so afterwards.
    """
    kind = next(kind for kind in CHANGES if isinstance(container, kind))
    try:
        _require_keys(kind, name, values)
        if name in ("extend", "update") and values:
            allowance.build(len(container) + len(values[0]))  # type: ignore[arg-type]
        if name == "remove" and isinstance(container, list):
            return _remove(container, *values, allowance=allowance)
        return CHANGES[kind][name](container, *values)
    except Exception:
        if isinstance(container, list):
            container[:] = [Unknown(SOME_ITEMS)]
        return Unknown(f"{name}()")


def _require_keys(kind: type, name: str, values: list[Value]) -> None:
    if kind is list or not values:
        return
    keys: Any = values[0] if name == "update" else [values[0]]
    if kind is dict and name == "update" and not isinstance(keys, dict):
        keys = [key for key, _ in keys]
    for key in keys:
        require_key(key)


def _remove(items: list[Value], value: Value, /, *, allowance: Allowance) -> Value:
    allowance.build(len(items))
    for place, item in enumerate(items):
        same = equal(item, value, allowance)
        if same is None:
            raise TooLarge
        if same:
            del items[place]
            return None
    raise ValueError("no such item")


# -- rows -----------------------------------------------------------------------------------------


def _repeated(value: Value, times: int) -> Iterable[Value]:
    return itertools.repeat(value, times)


def _products(*parts: list[Value], repeat: int = 1) -> Iterable[Value]:
    require(repeat <= 10)
    return itertools.product(*parts, repeat=repeat)


def _combinations(iterable: Sequence[Value], r: int) -> Iterable[Value]:
    require(r <= 2 * MOST_ROWS)
    return itertools.combinations(iterable, r)


def _permutations(iterable: Sequence[Value], r: int | None = None) -> Iterable[Value]:
    require((len(iterable) if r is None else r) <= 2 * MOST_ROWS)
    return itertools.permutations(iterable, r)


def _sums(items: Sequence[Any], *, initial: Any = None) -> Iterable[Value]:
    if not all(isinstance(item, int | float) for item in (initial or 0, *items)):
        raise NotPlain("no numbers")
    return itertools.accumulate(items, initial=initial)


ROWS: Mapping[str, Callable[..., Iterable[Value]]] = {
    "zip": zip,
    "zip_longest": itertools.zip_longest,
    "product": _products,
    "repeat": _repeated,
    "islice": itertools.islice,
    "accumulate": _sums,
    "combinations": _combinations,
    "permutations": _permutations,
}
"""Functions of iterables whose results are listed, up to :data:`MOST_ROWS`."""


def rows(
    name: str, values: Sequence[Any], allowance: Allowance, keywords: Mapping[str, Any]
) -> list[Value] | None:
    """All that such a function gives; ``None`` where that is more, or an error."""
    made: list[Value] = []
    weight = 0
    try:
        for row in ROWS[name](*values, **keywords):
            weight += 1 + (len(row) if isinstance(row, tuple) else 0)
            if len(made) == MOST_ROWS or weight > HEAVIEST:
                return None
            made.append(row)
    except Exception:
        return None
    return made if allowance.takes(weight) else None
