"""How far the positions of tensors are apart: which level of a pyramid of features they are."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import inf

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import ARITHMETIC, NORMALIZATIONS, Kind
from bnlint.facts.types.site import Argument, value_of
from bnlint.immutable import immutable

_SAME = NORMALIZATIONS | {Kind.ACTIVATION, Kind.DROPOUT, Kind.PASS, Kind.PAD}
_CHANNELS = 1
"""The dimension along which only tensors of one stride are put together."""


@immutable
class Stride:
    """Neighbouring positions of a tensor are ``step`` positions of the input ``source`` apart.

    ``source`` is the index of that call in the graph, of kind ``INPUT``.
    """

    source: int
    step: Fraction

    def wider(self, factor: Fraction | None) -> "Stride | None":
        """That of a tensor whose positions are ``factor`` of these apart."""
        return None if not factor else Stride(self.source, self.step * factor)


@Pass
def strides_of(graph: ModelGraph) -> tuple[Stride | None, ...]:
    """The stride of each call's output; ``None`` where the layers do not determine one."""
    found: list[Stride | None] = []
    for call in graph.calls:
        found.append(_after(call, [found[index] for index in call.inputs]))
    return tuple(found)


def _after(call: Call, inputs: Sequence[Stride | None]) -> Stride | None:
    if call.kind is Kind.INPUT:
        return Stride(call.index, Fraction(1))
    given = inputs[0] if inputs else None
    arguments = call.arguments if call.layer is None else call.layer.arguments
    match call.kind:
        case Kind.PHI:
            return given if len(set(inputs)) == 1 else None
        case Kind.CAT if value_of(arguments, "dim", 0) == _CHANNELS:
            return _common(inputs)
        case kind if kind in ARITHMETIC:
            return _common(inputs)
        case kind if given is None or kind in _SAME:
            return given
        case Kind.CONV:
            step = _number(value_of(arguments, "stride"))
            return given.wider(1 / step if step and "transpose" in call.op.lower() else step)
        case Kind.MAX_POOL | Kind.AVG_POOL:
            return given.wider(_pooled(arguments))
        case Kind.UPSAMPLE:
            factor = _number(value_of(arguments, "scale_factor"))
            return given.wider(1 / factor if factor else None)
    return None


def _common(inputs: Iterable[Stride | None]) -> Stride | None:
    """The only one that operands have: those of which it is not known fit to it, or have one position."""
    known = {stride for stride in inputs if stride is not None}
    return known.pop() if len(known) == 1 else None


def _pooled(arguments: Mapping[str, Argument]) -> Fraction | None:
    """What a window does; one that adapts has no ``kernel_size``."""
    stride = value_of(arguments, "stride")
    return _number(value_of(arguments, "kernel_size") if stride is None else stride)


def _number(value: object) -> Fraction | None:
    """A size that is the same in all directions."""
    sizes = set(value) if isinstance(value, tuple | list) else {value}
    match list(sizes):
        case [int() | float() as size] if 0 < size < inf:
            return Fraction(size)
    return None
