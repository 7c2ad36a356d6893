"""The way that a signal takes through a model: one operation after the other, with what multiplies it."""

from collections.abc import Container, Sequence

from bnlint.facts.passes.initial_signal.activation_gains import activation_name
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import NORMALIZATIONS, WEIGHTED, Kind
from bnlint.immutable import immutable

_ALONG = (
    WEIGHTED
    | NORMALIZATIONS
    | {Kind.ACTIVATION, Kind.DROPOUT, Kind.MAX_POOL, Kind.AVG_POOL, Kind.UPSAMPLE, Kind.PAD}
    | {Kind.PASS, Kind.RESHAPE, Kind.PERMUTE}
)
"""Kinds whose first input is the signal."""
_AROUND_A_GATE = frozenset({Kind.PASS, Kind.RESHAPE, Kind.PERMUTE, Kind.UPSAMPLE})


@immutable
class Gate:
    """A sigmoid whose output, times ``factor``, multiplies a signal."""

    sigmoid: Call
    factor: float


@immutable
class Step:
    """An operation on a signal, by what it multiplies it, and whether that is a parameter.

    ``factor`` is ``None`` where it is not known. A gate is none of the factor.
    """

    call: Call
    factor: float | None = 1.0
    learnt: bool = False
    gate: Gate | None = None


@immutable
class Way:
    """The steps from ``start``, which is not one of them, to some call, in execution order."""

    start: Call
    steps: tuple[Step, ...]


def way_to(graph: ModelGraph, end: Call, starts: Container[int]) -> Way | None:
    """The way to a call from the nearest of some others, or from the model's input.

    ``None`` where it is not one way of known operations.
    """
    steps: list[Step] = []
    call = end
    while call.index not in starts and call.kind is not Kind.INPUT:
        found = _step(graph, call)
        if found is None:
            return None
        step, source = found
        steps.append(step)
        call = graph.calls[source]
    return Way(call, tuple(reversed(steps)))


def _step(graph: ModelGraph, call: Call) -> tuple[Step, int] | None:
    """What a call does to the signal, and which of its inputs that is."""
    sources = [source for source in call.inputs if source not in graph.inputless]
    if not call.certain or not sources:
        return None
    if call.kind in _ALONG:
        return (Step(call), sources[0]) if sources[0] == call.inputs[0] else None
    match call.kind, sources, call.inputs:
        case ((Kind.MUL | Kind.DIV), [source], [_]):
            return Step(call, _constant(call)), source
        case ((Kind.ADD | Kind.SUB), [source], _):
            return Step(call), source
        case Kind.MUL, [source], [left, right]:
            other = graph.calls[right if left == source else left]
            return _by_parameter(graph, call, other), source
        case Kind.MUL, [left, right], [_, _]:
            return _gated(graph, call, left, right)
    return None


def _constant(call: Call) -> float | None:
    """The number by which a product or quotient multiplies its only tensor."""
    other = call.arguments.get("other")
    number = None if other is None else other.number
    if call.kind is Kind.MUL or not number:
        return number if call.kind is Kind.MUL else None
    reflected = call.arguments.get("reflected")
    return None if reflected is not None and reflected.value is True else 1 / number


def _by_parameter(graph: ModelGraph, call: Call, other: Call) -> Step:
    """A product with something that does not depend on the input: a parameter, or random numbers."""
    while other.kind in (Kind.RESHAPE, Kind.PASS) and other.inputs:
        other = graph.calls[other.inputs[0]]
    if other.kind is not Kind.PARAMETER:
        return Step(call, None)
    fill = other.arguments.get("fill")
    return Step(call, None if fill is None else fill.number, learnt=True)


def _gated(graph: ModelGraph, call: Call, left: int, right: int) -> tuple[Step, int] | None:
    gates = [_gate(graph, graph.calls[index]) for index in (left, right)]
    match gates:
        case [None, Gate() as gate]:
            return Step(call, gate=gate), left
        case [Gate() as gate, None]:
            return Step(call, gate=gate), right
    return None


def _gate(graph: ModelGraph, call: Call) -> Gate | None:
    """The sigmoid that a tensor is the output of, but for its shape and a constant factor."""
    factor = 1.0
    while (
        len(sources := [s for s in call.inputs if s not in graph.inputless]) == 1 and call.certain
    ):
        if call.kind is Kind.ACTIVATION:
            return Gate(call, factor) if activation_name(call) == "sigmoid" else None
        if call.kind is Kind.MUL and len(call.inputs) == 1:
            constant = _constant(call)
            if constant is None:
                return None
            factor *= constant
        elif call.kind not in _AROUND_A_GATE:
            return None
        call = graph.calls[sources[0]]
    return None


def product_of(steps: Sequence[Step]) -> float | None:
    """By what some steps multiply the signal, gates left out."""
    whole = 1.0
    for step in steps:
        if step.factor is None:
            return None
        whole *= step.factor
    return whole
