"""Arithmetic on plain numbers, bounded before it is done."""

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bnlint.interpreter.evaluation.allowance import MOST_BITS, require, small

Function = Callable[..., Any]
LONGEST_NUMBER = 1_000
"""Characters of a number that is read from text."""
MOST_MODULAR_BITS = 512
"""Of the arguments of ``pow`` with a modulus."""
FARTHEST = 1 << 62
"""The bounds of a range."""
MOST_DIGITS = 1_000
"""Places that a number is rounded to, before or behind the point."""


def bits(*numbers: object) -> int:
    """How many bits the whole numbers among some have together."""
    return sum(number.bit_length() for number in numbers if isinstance(number, int))


def power(base: Any, exponent: Any, modulus: Any = None) -> Any:
    """``pow`` whose result has at most :data:`MOST_BITS`."""
    if isinstance(base, int) and isinstance(exponent, int) and modulus is None:
        require(abs(exponent) <= MOST_BITS and bits(base) * abs(exponent) <= MOST_BITS + 1024)
    require(modulus is None or bits(base, exponent, modulus) <= MOST_MODULAR_BITS)
    return pow(base, exponent, modulus)


def left_shift(number: Any, places: Any) -> Any:
    """``number << places``."""
    require(not isinstance(places, int) or places <= MOST_BITS)
    return number << places


def factorial(number: Any) -> int:
    """``math.factorial``."""
    require(not isinstance(number, int) or number <= 500)
    return math.factorial(number)


def combinations(count: Any, taken: Any) -> int:
    """``math.comb``; of the two ways to count, the shorter."""
    if isinstance(count, int) and isinstance(taken, int):
        require(bits(count) * min(taken, abs(count - taken)) <= 2 * MOST_BITS)
    return math.comb(count, taken)


def permutations(count: Any, taken: Any = None) -> int:
    """``math.perm``."""
    taken = count if taken is None else taken
    if isinstance(count, int) and isinstance(taken, int):
        require(bits(count) * min(taken, count) <= 2 * MOST_BITS)
    return math.perm(count, taken)


def product(numbers: Iterable[Any], /, *, start: Any = 1) -> Any:
    """``math.prod`` of numbers."""
    factors = [start, *numbers]
    require(all(isinstance(factor, int | float | complex) for factor in factors))
    require(bits(*factors) <= MOST_BITS + len(factors))
    return math.prod(factors[1:], start=start)


def total(numbers: Iterable[Any], /, start: Any = 0) -> Any:
    """``sum`` of numbers."""
    items = list(numbers)
    require(all(isinstance(item, int | float | complex) for item in (start, *items)))
    return sum(items, start)


def least_multiple(*numbers: Any) -> int:
    """``math.lcm``."""
    require(bits(*numbers) <= MOST_BITS)
    return math.lcm(*numbers)


def rounded(number: Any, digits: Any = None) -> Any:
    """``round``."""
    require(digits is None or (isinstance(digits, int) and abs(digits) <= MOST_DIGITS))
    return round(number) if digits is None else round(number, digits)


def whole(value: Any = 0, *base: Any) -> int:
    """``int``."""
    require(not isinstance(value, str | bytes) or len(value) <= LONGEST_NUMBER)
    return small(int(value, *base))


def real(value: Any = 0.0) -> float:
    """``float``."""
    require(not isinstance(value, str | bytes) or len(value) <= LONGEST_NUMBER)
    return float(value)


def span(*bounds: Any) -> range:
    """``range`` whose length Python can count."""
    require(all(abs(bound) <= FARTHEST for bound in bounds))
    return range(*bounds)


ARITHMETIC: Mapping[str, Function] = {
    "Add": operator.add,
    "Subtract": operator.sub,
    "Multiply": operator.mul,
    "Divide": operator.truediv,
    "FloorDivide": operator.floordiv,
    "Modulo": operator.mod,
    "Power": power,
    "BitAnd": operator.and_,
    "BitOr": operator.or_,
    "BitXor": operator.xor,
    "LeftShift": left_shift,
    "RightShift": operator.rshift,
}
"""Operators on numbers of at most :data:`MOST_BITS`: no result has more than twice as many."""

_FLOATS = """acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees dist erf erfc
exp exp2 expm1 fabs floor fmod frexp fsum gamma gcd hypot isclose isfinite isinf isnan isqrt ldexp
lgamma log log10 log1p log2 modf nextafter pow radians remainder sin sinh sqrt tan tanh trunc
ulp""".split()
"""Functions of ``math`` whose results are no larger than their arguments, or floats."""
MATH: Mapping[str, Function] = {
    **{name: getattr(math, name) for name in _FLOATS},
    "factorial": factorial,
    "comb": combinations,
    "perm": permutations,
    "prod": product,
    "lcm": least_multiple,
}


def hashed(number: Any) -> int:
    """``hash`` of a number; that of a string differs between processes."""
    require(isinstance(number, int | float | complex))
    return hash(number)


BUILTINS: Mapping[str, Function] = {
    "int": whole,
    "float": real,
    "bool": bool,
    "abs": abs,
    "round": rounded,
    "divmod": divmod,
    "pow": power,
    "range": span,
    "slice": slice,
    "hash": hashed,
    "hex": hex,
    "chr": chr,
    "ord": ord,
}
