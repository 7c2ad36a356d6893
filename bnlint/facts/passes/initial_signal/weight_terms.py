"""What a forward makes of a weight before it multiplies its input by it.

Every expression of weight standardisation (Qiao et al. 2019, arXiv 1903.10520; Brock, De and Smith
2021, arXiv 2101.08692, section 4) is a product: of the weight, its mean or their difference, of a power
of its standard deviation, and of numbers. ``torch.std_mean`` and the like give two of these at once, of
which only one makes sense behind it, so that an expression has several readings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum
from itertools import product
from math import prod

from bnlint.facts.types.graph import Call
from bnlint.facts.types.kind import Kind
from bnlint.immutable import immutable

MOST_READINGS = 8
SMALL = 1e-2
"""A number that is added to a statistic up to here only guards against a division by zero."""


class Base(Enum):
    """What a term is a multiple of."""

    NUMBER = "number"
    WEIGHT = "weight"
    MEAN = "mean"
    CENTRED = "centred"
    SQUARED = "squared"


@immutable
class Term:
    """``base * deviation ** power * factor * fill`` of one parameter.

    ``parameter`` is its name, ``""`` for a number. ``axes`` are the dimensions of the weight over which
    the statistics were taken, ``rank`` how many it has; ``fill`` is the product of the parameters that take
    part and hold one number each, ``factor`` that of all other numbers; ``None`` where it is not known.
    ``guarded`` says that something keeps the deviation from being 0.
    ``rows`` is a view with one row for each output, ``batch`` one as a batch of one sample.
    """

    base: Base
    parameter: str = ""
    power: float = 0.0
    factor: float | None = 1.0
    fill: float | None = 1.0
    axes: frozenset[int] | None = frozenset()
    rank: int | None = None
    size: float | None = None
    """How many numbers each statistic is taken of, if that is all but the first dimension."""
    guarded: bool = False
    rows: bool = False
    batch: bool = False

    def times(self, factor: float | None) -> "Term":
        """The same, multiplied."""
        return replace(self, factor=_product(self.factor, factor))


def readings(call: Call, inputs: Sequence[tuple[Term, ...]]) -> tuple[Term, ...]:
    """What an operation may give, by what its inputs may be; nothing for what is no such product."""
    match call.kind, inputs:
        case Kind.PARAMETER, _:
            return _parameter(call)
        case Kind.OTHER, []:
            return (Term(Base.NUMBER, factor=number(call, "fill", "0", "data")),)
        case ((Kind.MUL | Kind.DIV | Kind.ADD | Kind.SUB), [terms]):
            return tuple(_with_number(call, term) for term in terms if _takes_number(call, term))
        case ((Kind.MUL | Kind.DIV | Kind.SUB), [left, right]):
            found = (_combined(call, *pair) for pair in product(left, right))
            return tuple(term for term in found if term is not None)[:MOST_READINGS]
        case ((Kind.RESHAPE | Kind.PERMUTE | Kind.PASS | Kind.SPLIT), [terms, *_]):
            return tuple(_viewed(call, term) for term in terms)
        case Kind.REDUCE, [terms, *_]:
            return tuple(term for source in terms for term in _reduced(call, source))
        case Kind.OTHER, [terms, *_]:
            return tuple(term for source in terms for term in _function(call, source))
        case Kind.BATCH_NORM, [terms, *scales]:
            return tuple(term for source in terms for term in _as_batch(call, source, scales))
    return ()


def number(call: Call, *names: str) -> float | None:
    """A constant argument under one of several names."""
    found = (call.arguments[name].number for name in names if name in call.arguments)
    return next((value for value in found if value is not None), None)


def _parameter(call: Call) -> tuple[Term, ...]:
    fill, name = number(call, "fill"), call.arguments.get("name")
    if fill is not None:
        return (Term(Base.NUMBER, fill=fill),)
    if name is None or not isinstance(name.value, str):
        return ()
    sizes = call.shape.sizes
    if not sizes:
        return (Term(Base.WEIGHT, name.value),)
    return (Term(Base.WEIGHT, name.value, rank=len(sizes), size=prod(sizes[1:])),)


def _takes_number(call: Call, term: Term) -> bool:
    if call.kind in (Kind.ADD, Kind.SUB):
        other = number(call, "other")
        statistic = term.base is Base.NUMBER and term.power > 0
        return statistic and call.kind is Kind.ADD and other is not None and abs(other) <= SMALL
    return True


def _with_number(call: Call, term: Term) -> Term:
    other, reflected = number(call, "other"), call.arguments.get("reflected")
    if call.kind is Kind.ADD:
        return replace(term, guarded=True)
    if call.kind is Kind.MUL:
        return term.times(other)
    if reflected is not None and reflected.value is True:
        return _power(term, -1.0).times(other)
    return term.times(None if not other else 1 / other)


def _combined(call: Call, left: Term, right: Term) -> Term | None:
    if call.kind is Kind.SUB:
        return _difference(left, right)
    if call.kind is Kind.DIV:
        right = _power(right, -1.0)
    bases = {left.base, right.base}
    if bases == {Base.CENTRED} and call.kind is Kind.MUL and left == right:
        return replace(_power(left, 2.0), base=Base.SQUARED)
    if Base.NUMBER not in bases:
        return _gained(left, right)
    main, other = (right, left) if left.base is Base.NUMBER else (left, right)
    if other.parameter and main.parameter and other.parameter != main.parameter:
        return _gained(main, other)
    known = main if not other.power else other
    return replace(
        main,
        parameter=main.parameter or other.parameter,
        power=main.power + other.power,
        factor=_product(main.factor, other.factor),
        fill=_product(main.fill, other.fill),
        axes=_joined_axes(main, other),
        rank=known.rank or main.rank,
        size=known.size or main.size,
        guarded=main.guarded or other.guarded,
    )


def _gained(left: Term, right: Term) -> Term | None:
    """A term times a parameter of which nothing is known: a gain, if that is not what it is about."""
    for main, gain in ((left, right), (right, left)):
        plain = gain.base is Base.WEIGHT and not gain.power
        if plain and (main.power or main.base is Base.CENTRED) and main.parameter != gain.parameter:
            return replace(main, fill=None)
    return None


def _joined_axes(main: Term, other: Term) -> frozenset[int] | None:
    """Those of the mean and of the deviation, if they are the same or only one takes part."""
    if main.axes is None or other.axes is None:
        return None
    return main.axes | other.axes if not main.axes or main.axes >= other.axes else None


def _difference(left: Term, right: Term) -> Term | None:
    """The weight minus its mean, both multiplied by the same."""
    same = (left.parameter, left.power, left.factor, left.fill) == (
        right.parameter,
        right.power,
        right.factor,
        right.fill,
    )
    if not same or left.base is not Base.WEIGHT or right.base is not Base.MEAN:
        return None
    axes = right.axes if left.axes in (frozenset(), right.axes) else None
    return replace(left, base=Base.CENTRED, axes=axes, guarded=left.guarded or right.guarded)


def _viewed(call: Call, term: Term) -> Term:
    """A view: the weight as rows or as a batch of one, or as it was."""
    if term.base in (Base.NUMBER, Base.MEAN):
        return term
    if call.op.rstrip("_") in ("view_as", "reshape_as") or len(call.inputs) > 1:
        return replace(term, rows=False, batch=False)
    shape = call.arguments.get("shape")
    sizes = shape.value if shape is not None else call.shape.sizes
    rank = len(sizes) if isinstance(sizes, tuple) else call.shape.rank
    if call.kind is Kind.PASS or rank is None:
        return term
    if rank == 3 and isinstance(sizes, tuple) and sizes[0] == 1 and term.rank != 3:
        return replace(term, batch=True)
    return replace(term, rows=rank == 2, batch=False)


def _reduced(call: Call, term: Term) -> Iterator[Term]:
    axes = _axes(call, term)
    name = call.op
    if term.base is Base.MEAN and name == "mean":
        yield replace(term, axes=None if axes is None or term.axes is None else term.axes | axes)
    elif term.base is Base.SQUARED and name == "mean":
        yield replace(term, base=Base.NUMBER, power=2.0, axes=axes)
    elif term.base is Base.NUMBER and name in ("max", "amax") and len(call.inputs) > 1:
        yield replace(term, guarded=True)
    elif term.base is Base.NUMBER and not term.power:
        yield replace(term, factor=None)
    if term.base not in (Base.WEIGHT, Base.CENTRED) or term.power:
        return
    if term.base is Base.WEIGHT and name in ("mean", "std_mean", "var_mean"):
        yield replace(term, base=Base.MEAN, axes=axes)
    powers = {"std": 1.0, "var": 2.0, "std_mean": 1.0, "var_mean": 2.0}
    statistic = replace(term, base=Base.NUMBER, axes=axes, rows=False, batch=False)
    if name in powers:
        power = powers[name]
        factor = None if term.factor is None else term.factor**power
        yield replace(statistic, power=power, factor=factor)
    elif name == "norm" and term.base is Base.CENTRED and term.size is not None:
        yield replace(statistic, power=1.0).times(term.size**0.5)


def _axes(call: Call, term: Term) -> frozenset[int] | None:
    """The dimensions of the weight that a reduction is taken over, ``None`` if not known."""
    names = ("dim", "axis", "dims")
    given = next((call.arguments[name].value for name in names if name in call.arguments), None)
    if term.batch or term.rank is None:
        return None
    if given is None:
        return frozenset(range(term.rank))
    dims = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(dim, int) for dim in dims):
        return None
    if term.rows:
        rows = {dim % 2 for dim in dims}
        return frozenset(range(1, term.rank)) if rows == {1} else frozenset({0})
    return frozenset(dim % term.rank for dim in dims)


_POWERS = {"sqrt": 0.5, "rsqrt": -0.5, "square": 2.0, "reciprocal": -1.0}
_GUARDS = frozenset({"maximum", "clamp", "clamp_min", "clip", "fmax"})


def _function(call: Call, term: Term) -> Iterator[Term]:
    name = call.op.rstrip("_")
    exponent = _POWERS.get(name)
    if name in ("pow", "power", "float_power"):
        exponent = number(call, "exponent", "other", "1")
        reflected = call.arguments.get("reflected")
        if reflected is not None and reflected.value is True:
            return
    if name in _GUARDS and term.base is Base.NUMBER:
        yield replace(term, guarded=True)
    elif exponent is not None and term.base is Base.NUMBER:
        yield _power(term, exponent)
    elif exponent == 2.0 and term.base is Base.CENTRED and not term.power:
        yield replace(_power(term, 2.0), base=Base.SQUARED, power=0.0)


def _as_batch(call: Call, term: Term, scales: Sequence[tuple[Term, ...]]) -> Iterator[Term]:
    """``F.batch_norm`` of a weight as one sample whose channels are the outputs."""
    training = call.arguments.get("training")
    if not term.batch or term.power or training is None or training.value is not True:
        return
    axes = None if term.rank is None else frozenset(range(1, term.rank))
    made = replace(term, base=Base.CENTRED, power=-1.0, factor=1.0, axes=axes, guarded=True)
    if not scales:
        yield made
    for scale in scales[0] if scales else ():
        plain = scale.base is Base.NUMBER and not scale.power
        fill = _product(made.fill, scale.fill) if plain else None
        yield replace(made.times(scale.factor if plain else 1.0), fill=fill)


def _power(term: Term, exponent: float) -> Term:
    def raised(value: float | None) -> float | None:
        return None if value is None or value <= 0 else value**exponent

    return replace(
        term, power=term.power * exponent, factor=raised(term.factor), fill=raised(term.fill)
    )


def _product(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left * right
