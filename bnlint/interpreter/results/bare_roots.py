"""Roots of variances that nothing keeps away from zero, where their slope is infinite."""

from collections.abc import Iterator, Mapping, Sequence

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.tape import Op
from bnlint.interpreter.results.meanings import Meaning

_GUARDS = frozenset("clamp clamp_min clip maximum where relu abs".split())
"""Operations after which a variance may not be zero."""


def bare_roots(
    ops: Sequence[Op], first: int, last: int, meanings: Mapping[int, Meaning]
) -> Iterator[Site]:
    """Where a layer divides by the root of a variance of the batch and a number that is added to that root."""
    added = {
        index: op for index in range(first, last) if _adds_to_root(op := ops[index], ops, meanings)
    }
    for index in range(first, last):
        op = ops[index]
        if op.kind is Kind.DIV and len(op.inputs) == 2 and op.inputs[1] in added:
            site = added[op.inputs[1]].site
            if meanings[op.inputs[0]].samples is not None and site is not None:
                yield site


def _adds_to_root(op: Op, ops: Sequence[Op], meanings: Mapping[int, Meaning]) -> bool:
    """Whether an operation adds a number to the bare root of a statistic that has a gradient."""
    if op.kind is not Kind.ADD or len(op.inputs) != 1 or op.states or not op.grad:
        return False
    root = _viewed(ops[op.inputs[0]], ops)
    if not _is_root(root) or len(root.inputs) != 1 or not root.grad:
        return False
    inner = meanings.get(root.inputs[0], Meaning())
    return inner.statistic and inner.learnt and not _is_kept_away(ops[root.inputs[0]], ops)


def _is_root(op: Op) -> bool:
    exponent = op.constants.get("exponent", op.constants.get("other", op.constants.get("1")))
    return op.name in ("sqrt", "sqrt_") or (op.name in ("pow", "power", "pow_") and exponent == 0.5)


def _is_kept_away(op: Op, ops: Sequence[Op]) -> bool:
    """Whether a number was added before, or small values cut off."""
    op = _viewed(op, ops)
    if op.kind is Kind.PHI:
        return any(_is_kept_away(ops[index], ops) for index in op.inputs)
    plain = op.kind is Kind.REDUCE or (op.kind in (Kind.SUB, Kind.DIV, Kind.MUL) and not op.states)
    return not plain or op.name.rstrip("_") in _GUARDS


def _viewed(op: Op, ops: Sequence[Op]) -> Op:
    """The operation whose numbers another one only shows in another shape."""
    while op.kind in (Kind.RESHAPE, Kind.PASS, Kind.SPLIT, Kind.PERMUTE) and len(op.inputs) == 1:
        op = ops[op.inputs[0]]
    return op
