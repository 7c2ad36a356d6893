"""Convolutions and linear layers that standardise their weight in each forward.

They are recognised by what the forward computes (:mod:`bnlint.facts.passes.initial_signal.weight_terms`): weight minus
mean, divided by the standard deviation.
"""

from collections.abc import Iterator, Mapping

from bnlint.facts.passes.initial_signal.weight_terms import Base, Term, readings
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.immutable import immutable


@immutable
class StandardisedWeight:
    """The weight that ``call`` multiplies its input by.

    ``layer`` is the module that holds it. ``gain`` is by what such weights multiply the standard
    deviation of their input, parameters that hold one number left out, ``fill`` the product of these;
    ``None`` where it is not known. ``axes`` are the dimensions over which the statistics are taken, if
    that is known, ``rank`` the number of those that the weight has. ``centred`` says that the mean is subtracted, ``guarded`` that
    a weight with the same number throughout does not divide by 0.
    """

    call: Call
    layer: Layer
    gain: float | None
    fill: float | None
    axes: frozenset[int] | None
    rank: int | None
    centred: bool
    guarded: bool

    @property
    def whole_gain(self) -> float | None:
        """By what the standard deviation is multiplied at the beginning of the training."""
        return None if self.gain is None or self.fill is None else self.gain * self.fill


@Pass
def standardised_weights(graph: ModelGraph) -> Mapping[int, StandardisedWeight]:
    """Those of a model, by the index of the call that uses them."""
    used = [call for call in graph.calls if _uses_computed_weight(graph, call)]
    if not used:
        return {}
    terms = _terms(graph)
    layers = {layer.name: layer for layer in graph.layers}
    found = (_standardised(graph, call, terms, layers) for call in used)
    return {weight.call.index: weight for weight in found if weight is not None}


def _uses_computed_weight(graph: ModelGraph, call: Call) -> bool:
    if call.kind not in WEIGHTED or len(call.inputs) < 2 or "transpose" in call.op:
        return False
    return graph.calls[call.inputs[1]].kind is not Kind.PARAMETER


def _terms(graph: ModelGraph) -> Mapping[int, tuple[Term, ...]]:
    """What calls may be that are computed from nothing but parameters and numbers."""
    found: dict[int, tuple[Term, ...]] = {}
    for call in graph.calls:
        made = call.kind is Kind.OTHER and not call.inputs
        if made or call.kind is Kind.PARAMETER or any(found.get(source) for source in call.inputs):
            given = [found.get(source, ()) for source in call.inputs]
            found[call.index] = readings(call, given) if call.certain else ()
    return found


def _standardised(
    graph: ModelGraph,
    call: Call,
    terms: Mapping[int, tuple[Term, ...]],
    layers: Mapping[str, Layer],
) -> StandardisedWeight | None:
    found = list(_weights(terms.get(call.inputs[1], ())))
    if len(found) != 1:
        return None
    [term] = found
    layer = layers.get(term.parameter.rpartition(".")[0])
    if layer is None:
        return None
    size = term.size
    gain = None if size is None or term.factor is None else term.factor * size**0.5
    return StandardisedWeight(
        call,
        layer,
        gain,
        term.fill,
        term.axes,
        term.rank,
        term.base is Base.CENTRED,
        term.guarded,
    )


def _weights(terms: tuple[Term, ...]) -> Iterator[Term]:
    """The readings of a weight that are divided by its deviation."""
    for term in terms:
        if term.base in (Base.CENTRED, Base.WEIGHT) and term.power == -1.0 and not term.batch:
            yield term
