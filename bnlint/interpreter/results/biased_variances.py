"""Running averages of variances that are divided by the number of samples, not by one less."""

from collections.abc import Iterator, Mapping, Sequence

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.tape import Op
from bnlint.interpreter.results.meanings import Meaning

_POWERS = frozenset({"pow", "pow_", "power"})
_STORING = frozenset({"lerp", "lerp_", "copy_"})
_SUMS = (Kind.ADD, Kind.SUB, Kind.PASS, Kind.RESHAPE)
_OVER_SAMPLES = (0, (0,), [0])


def biased_variance(
    ops: Sequence[Op], written: int, meanings: Mapping[int, Meaning]
) -> Site | None:
    """Where the variance over the samples is computed of which ``written`` is a running average.

    ``None`` where it is something else, or may have been multiplied by n / (n - 1) since.
    """
    sources = list(_sources(ops, written))
    if not sources or not all(_is_biased(op, ops, meanings) for op in sources):
        return None
    return sources[0].site


def _sources(ops: Sequence[Op], written: int) -> Iterator[Op]:
    """What a weighted sum is made of, but for what was kept from earlier forwards."""
    pending = [written]
    while pending:
        op = ops[pending.pop()]
        if op.kind in _SUMS or op.name in _STORING or _is_weighted(op):
            pending += op.inputs
        else:
            yield op


def _is_weighted(op: Op) -> bool:
    """Whether a number that is known is multiplied by."""
    weight = op.constants.get("other")
    return op.kind is Kind.MUL and len(op.inputs) < 2 and isinstance(weight, int | float)


def _is_biased(op: Op, ops: Sequence[Op], meanings: Mapping[int, Meaning]) -> bool:
    if op.kind is not Kind.REDUCE or op.constants.get("dim") not in _OVER_SAMPLES:
        return False
    given = op.inputs[0]
    if meanings.get(given, Meaning()).samples != 0:
        return False
    if op.name == "var":
        return op.constants.get("unbiased") is False or op.constants.get("correction") == 0
    return op.name == "mean" and _is_squared_deviation(ops[given], ops, meanings)


def _is_squared_deviation(op: Op, ops: Sequence[Op], meanings: Mapping[int, Meaning]) -> bool:
    exponent = op.constants.get("exponent", op.constants.get("other", op.constants.get("1")))
    squares = op.name == "square" or (op.name in _POWERS and exponent == 2)
    if op.kind is Kind.MUL and len(op.inputs) == 2:
        left, right = (ops[index] for index in op.inputs)
        squares = left.kind is right.kind and left.inputs == right.inputs
    inner = ops[op.inputs[0]] if squares else op
    given = [meanings.get(index, Meaning()) for index in inner.inputs]
    return inner.kind is Kind.SUB and any(meaning.statistic for meaning in given) and squares
