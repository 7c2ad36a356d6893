"""Python's operators on known values."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from bnlint.interpreter.core.values import Unknown, Value
from bnlint.interpreter.evaluation.allowance import Allowance, require
from bnlint.interpreter.evaluation.formatting import percent
from bnlint.interpreter.evaluation.numbers import ARITHMETIC
from bnlint.interpreter.evaluation.plain import admitted, plain
from bnlint.interpreter.evaluation.sequences import add, holds, in_range, repeat, unite
from bnlint.interpreter.evaluation.texts import has_part, long
from bnlint.interpreter.evaluation.vectors import Vector

COMPARISONS: Mapping[str, Callable[[Any, Any], object]] = {
    "Equal": operator.eq,
    "NotEqual": operator.ne,
    "LessThan": operator.lt,
    "LessThanEqual": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEqual": operator.ge,
}
UNARY: Mapping[str, Callable[[Any], object]] = {
    "Minus": operator.neg,
    "Plus": operator.pos,
    "BitInvert": operator.invert,
}
SETS = frozenset({"BitAnd", "BitXor", "Subtract"})
_NUMBERS = (int, float, complex)


def operate(name: str, left: Value, right: Value, allowance: Allowance) -> Value:
    """``left <operator> right``, by the name of its node; unknown where it is not allowed."""
    try:
        return _operate(name, left, right, allowance)
    except Exception:
        return Unknown("operation")


def _operate(name: str, left: Any, right: Any, allowance: Allowance) -> Value:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return admitted(
            ARITHMETIC[name](plain(left, allowance), plain(right, allowance)), allowance
        )
    if isinstance(left, Vector) or isinstance(right, Vector):
        pass
    elif isinstance(left, list | tuple | set | dict | frozenset):
        return _with_container(name, left, right, allowance)
    elif isinstance(right, list | tuple) and name == "Multiply":
        return repeat(right, left, allowance)
    one, other = plain(left, allowance), plain(right, allowance)
    if isinstance(one, str | bytes) or isinstance(other, str | bytes):
        return admitted(_with_text(name, one, other), allowance)
    return admitted(ARITHMETIC[name](one, other), allowance)


def _with_container(name: str, left: Any, right: Any, allowance: Allowance) -> Value:
    match name:
        case "Add" if isinstance(left, list | tuple):
            return add(left, right, allowance)
        case "Multiply" if isinstance(left, list | tuple):
            return repeat(left, right, allowance)
        case "BitOr":
            return unite(left, right, allowance)
        case _ if name in SETS and isinstance(left, set | frozenset):
            allowance.build(len(left))
            return ARITHMETIC[name](left, right)
    raise TypeError(name)


def _with_text(name: str, left: Any, right: Any) -> Value:
    match name:
        case "Add":
            long(len(left) + len(right))
            return left + right
        case "Multiply":
            text, times = (left, right) if isinstance(left, str | bytes) else (right, left)
            long(len(text) * max(0, times))
            return text * times
        case "Modulo":
            return percent(left, right)
    raise TypeError(name)


def compared(name: str, left: Value, right: Value, allowance: Allowance) -> bool | None:
    """``left <comparison> right``, or ``None``."""
    try:
        one, other = plain(left, allowance), plain(right, allowance)
        return bool(COMPARISONS[name](one, other))
    except Exception:
        return None


def contains(
    container: Value, value: Value, may_be: Callable[[Value], bool], allowance: Allowance
) -> bool | None:
    """``value in container``, or ``None``; ``may_be`` says which items may be anything."""
    try:
        if isinstance(container, str | bytes):
            return has_part(plain(container, allowance), plain(value, allowance))
        if isinstance(container, range):
            return in_range(plain(value, allowance), container)
        return holds(container, value, may_be, allowance)
    except Exception:
        return None


def negated(name: str, value: Value, allowance: Allowance) -> Value:
    """``-value``, ``+value`` or ``~value`` of a number."""
    try:
        number = plain(value, allowance)
        require(isinstance(number, _NUMBERS))
        return admitted(UNARY[name](number), allowance)
    except Exception:
        return Unknown("operation")
