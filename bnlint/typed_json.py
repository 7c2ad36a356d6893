"""Read JSON back as the dataclasses that it was made from, and refuse everything else."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

LONGEST = 1 << 20
"""Characters of one string."""
LARGEST = 1 << 63
"""Above the absolute value of an integer."""
DEEPEST = 20
"""Lists within lists where any plain value may stand."""

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Malformed(ValueError):
    """JSON that is not what it should be."""


def read(kind: Any, data: object) -> Any:
    """Read a value of a type: a dataclass, a scalar, ``X | None``, ``tuple[X, ...]``, a mapping.

    ``object`` stands for scalars, and tuples and dictionaries of them. Raises :class:`Malformed`.
    """
    origin, given = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (wanted,) = (each for each in given if each is not NoneType)
        return None if data is None else read(wanted, data)
    if origin is tuple:
        return tuple(read(given[0], item) for item in _required(list, data))
    if origin is Mapping:
        return {_string(key): read(given[1], item) for key, item in _required(dict, data).items()}
    if is_dataclass(kind):
        return _record(kind, _required(dict, data))
    return _plain(data, DEEPEST) if kind is object else _scalar(kind, data)


def _record(kind: Any, data: dict[str, object]) -> Any:
    types, required = _fields_of(kind)
    if not required <= data.keys() <= types.keys():
        raise Malformed(f"no {kind.__name__}: {sorted(data)!r:.80}")
    return kind(**{name: read(types[name], value) for name, value in data.items()})


@cache
def _fields_of(kind: Any) -> tuple[Mapping[str, Any], frozenset[str]]:
    types = get_type_hints(kind)
    known = fields(kind)
    required = [f.name for f in known if f.default is MISSING and f.default_factory is MISSING]
    return {field.name: types[field.name] for field in known}, frozenset(required)


def _scalar(kind: type, data: object) -> object:
    if kind is float and isinstance(data, str) and data in _NUMBERS:
        return _NUMBERS[data]
    if kind is str:
        return _string(data)
    if issubclass(kind, Enum):
        return _member(kind, data)
    accepted: Any = (int, float) if kind is float else kind
    if not isinstance(data, accepted) or isinstance(data, bool) is not (kind is bool):
        raise Malformed(f"no {kind.__name__}: {data!r:.80}")
    return float(data) if kind is float else _bounded(data)


def _member(kind: type[Enum], data: object) -> Enum:
    try:
        return kind(data)
    except ValueError:
        raise Malformed(f"no {kind.__name__}: {data!r:.80}") from None


def _plain(data: object, depth: int) -> object:
    """JSON has lists only; sizes and dimensions are tuples in torch."""
    if depth == 0:
        raise Malformed("lists nested too deeply")
    match data:
        case list():
            return tuple(_plain(item, depth - 1) for item in data)
        case dict():
            return {_string(key): _plain(item, depth - 1) for key, item in data.items()}
        case str():
            return _string(data)
    return _bounded(data)


def _bounded(data: object) -> object:
    if isinstance(data, int) and abs(data) >= LARGEST:
        raise Malformed("a number beyond 64 bits")
    return data


def _string(data: object) -> str:
    if not isinstance(data, str) or len(data) > LONGEST:
        raise Malformed(f"no string, or a very long one: {data!r:.80}")
    return data


def _required(kind: type, data: object) -> Any:
    if not isinstance(data, kind):
        raise Malformed(f"no {kind.__name__}: {data!r:.80}")
    return data
