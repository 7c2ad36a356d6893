"""One-dimensional arrays of known numbers: widths and rates that constructors compute."""

import itertools
import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bnlint.interpreter.evaluation.allowance import MOST_ITEMS, Allowance, require
from bnlint.interpreter.evaluation.numbers import power, product, real, rounded, span, total, whole

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
    __pow__, __rpow__ = _elementwise(power), _reflected(power)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Vector(found) if isinstance(found, list) else found


def arange(*bounds: Any) -> Vector:
    """``numpy.arange`` of whole numbers."""
    items = span(*bounds)
    require(len(items) <= MOST_ITEMS)
    return Vector(items)


def linspace(start: Number, stop: Number, num: int = 50) -> Vector:
    """Evenly spaced numbers, both ends included; raises :class:`TooLarge`."""
    require(num <= MOST_ITEMS)
    return Vector(start + (stop - start) * i / max(1, num - 1) for i in range(num))


def unique(values: list[Number], return_counts: bool = False) -> object:
    """The different items in ascending order and, if asked for, how often each comes."""
    counts = sorted(Counter(values).items())
    items = Vector(item for item, _ in counts)
    return (items, Vector(count for _, count in counts)) if return_counts else items


def cumsum(values: list[Number]) -> Vector:
    """The sums of the first items, of the first two and so on."""
    return Vector(itertools.accumulate(item + 0 for item in values))


def _mapped(function: Callable[..., Number]) -> Callable[..., object]:
    """A function of numbers, applied to each item of an array."""

    def apply(first: object, *rest: object) -> object:
        if isinstance(first, list | tuple):
            return Vector(function(item, *rest) for item in first)
        if rest and isinstance(rest[0], list):
            return Vector(function(first, item) for item in rest[0])
        return function(first, *rest)

    return apply


def array(values: object, allowance: Allowance) -> object:
    """Nested lists stay lists; numbers keep where they were written."""
    long = isinstance(values, list | tuple | range) and not allowance.takes(len(values))
    items = list(values) if isinstance(values, list | tuple | range) and not long else []
    numbers = [item for item in items if isinstance(item, int | float)]
    return Vector(numbers) if numbers and len(numbers) == len(items) else values


NUMPY: Mapping[str, Callable[..., object]] = {
    "arange": arange,
    "linspace": linspace,
    "unique": unique,
    "prod": product,
    "sum": total,
    "max": max,
    "min": min,
    "maximum": max,
    "minimum": min,
    "cumsum": cumsum,
    "int32": whole,
    "int64": whole,
    "float32": real,
    "float64": real,
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
            ("round", rounded),
            ("around", rounded),
        )
    },
}
"""Functions of numpy on plain numbers."""

KINDS: Mapping[str, Callable[[Any], Number]] = {"int": whole, "float": real, "bool": bool}

METHODS: Mapping[str, Callable[..., object]] = {
    "sum": total,
    "max": max,
    "min": min,
    "prod": product,
    "round": NUMPY["round"],
    "cumsum": cumsum,
}
"""Methods of such arrays."""


def as_type(vector: Vector, kind: str) -> Vector:
    """``vector.astype(kind)``."""
    return Vector(map(KINDS[kind], vector))
