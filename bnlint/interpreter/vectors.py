"""One-dimensional arrays of known numbers: widths and rates that constructors compute."""

import itertools
import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Number = int | float
Operation = Callable[["Vector", object], "Vector"]


def _pairs(vector: "Vector", other: object) -> Iterator[tuple[Number, Number]]:
    match other:
        case int() | float():
            return ((item, other) for item in vector)
        case list() | tuple():
            return zip(vector, other, strict=True)
    raise TypeError(type(other).__name__)


def _elementwise(function: Callable[[Number, Number], Number]) -> Operation:
    return lambda vector, other: Vector(function(a, b) for a, b in _pairs(vector, other))


def _reflected(function: Callable[[Number, Number], Number]) -> Operation:
    return lambda vector, other: Vector(function(b, a) for a, b in _pairs(vector, other))


class Vector(list[Number]):
    """A list whose operators work on each item, as those of arrays do."""

    __add__ = __radd__ = _elementwise(operator.add)  # type: ignore[assignment]
    __mul__ = __rmul__ = _elementwise(operator.mul)
    __sub__, __rsub__ = _elementwise(operator.sub), _reflected(operator.sub)
    __truediv__, __rtruediv__ = _elementwise(operator.truediv), _reflected(operator.truediv)
    __floordiv__, __mod__ = _elementwise(operator.floordiv), _elementwise(operator.mod)
    __pow__, __rpow__ = _elementwise(operator.pow), _reflected(operator.pow)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Vector(found) if isinstance(found, list) else found


def linspace(start: Number, stop: Number, num: int = 50) -> Vector:
    """Evenly spaced numbers, both ends included."""
    return Vector(start + (stop - start) * i / max(1, num - 1) for i in range(num))


def unique(values: list[Number], return_counts: bool = False) -> object:
    """The different items in ascending order and, if asked for, how often each comes."""
    counts = sorted(Counter(values).items())
    items = Vector(item for item, _ in counts)
    return (items, Vector(count for _, count in counts)) if return_counts else items


def _mapped(function: Callable[..., Number]) -> Callable[..., object]:
    """A function of numbers, applied to each item of an array."""

    def apply(first: object, *rest: object) -> object:
        if isinstance(first, list | tuple):
            return Vector(function(item, *rest) for item in first)
        if rest and isinstance(rest[0], list):
            return Vector(function(first, item) for item in rest[0])
        return function(first, *rest)

    return apply


def _array(values: object) -> object:
    """Nested lists stay lists."""
    items = list(values) if isinstance(values, list | tuple | range) else []
    numbers = [item for item in items if isinstance(item, int | float)]
    return Vector(numbers) if numbers and len(numbers) == len(items) else values


NUMPY: Mapping[str, Callable[..., object]] = {
    "arange": lambda *bounds: Vector(range(*bounds)),
    "linspace": linspace,
    "array": _array,
    "asarray": _array,
    "unique": unique,
    "prod": math.prod,
    "sum": sum,
    "max": max,
    "min": min,
    "maximum": max,
    "minimum": min,
    "cumsum": lambda values: Vector(itertools.accumulate(values)),
    "int32": int,
    "int64": int,
    "float32": float,
    "float64": float,
    **{
        name: _mapped(function)
        for name, function in (
            ("ceil", math.ceil),
            ("floor", math.floor),
            ("sqrt", math.sqrt),
            ("log", math.log),
            ("log2", math.log2),
            ("log10", math.log10),
            ("exp", math.exp),
            ("power", math.pow),
            ("abs", abs),
            ("round", round),
            ("around", round),
        )
    },
}
"""Functions of numpy on known numbers."""

METHODS: Mapping[str, Callable[..., object]] = {
    "astype": lambda vector, kind: Vector(map(kind, vector)),
    "tolist": list,
    "copy": Vector,
    "sum": sum,
    "max": max,
    "min": min,
    "prod": math.prod,
    "round": NUMPY["round"],
    "cumsum": NUMPY["cumsum"],
}
"""Methods of such arrays."""
