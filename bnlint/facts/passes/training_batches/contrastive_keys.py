"""Contrastive learning with a queue: keys of a network without gradients, and negatives of earlier batches."""

import itertools
from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, KeptTensor, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.immutable import immutable

_PRODUCTS = frozenset({Kind.MATMUL, Kind.MUL})


@immutable
class ContrastiveKeys:
    """A forward, within that of another model, whose outputs are positives of a contrastive loss.

    Its network gets the images in the order in which the queries' gets them, as one batch, and
    normalises them by their own statistics. The negatives come from ``queue``, which keeps the keys
    of earlier batches.
    """

    forward: Forward
    queue: KeptTensor


@Pass
def contrastive_keys(run: Run) -> tuple[ContrastiveKeys, ...]:
    """Those of models that are trained."""
    found, outer = [], None
    for forward in run.of_type(Forward):
        if not forward.inner:
            outer = forward
        elif outer is not None and trains(outer) and _normalises_locally(forward):
            graph = run.read.get(outer.model.identity)
            queue = _queue_of(graph, forward) if graph is not None else None
            if queue is not None:
                found.append(ContrastiveKeys(forward, queue))
    return tuple(found)


def shuffles_keys(run: Run, outer: Forward) -> bool:
    """Whether a network within a model gets its images in another order, or from other devices.

    It is what keeps BatchNorm layers that are not synchronised from telling which images belong together.
    """
    graph = run.read.get(outer.model.identity)
    inner = itertools.takewhile(
        lambda forward: forward.inner,
        (forward for forward in run.of_type(Forward) if forward.order > outer.order),
    )
    return graph is not None and any(
        _is_shuffled(graph, _network(graph, forward))
        for forward in inner
        if _normalises_locally(forward)
    )


def _is_shuffled(graph: ModelGraph, network: list[Call]) -> bool:
    """Whether what a network gets is neither an input of the model as it is nor a layer's output."""
    layers = [call for call in graph.calls if call.layer is not None and call not in network]
    return (
        bool(network)
        and not _gets_batch_as_it_is(graph, network)
        and not any(_is_of(graph, call, layers) for call in _given(graph, network))
    )


def _normalises_locally(forward: Forward) -> bool:
    """Whether layers of torch's own normalise by the batch of one device."""
    norms = norms_in_training(forward)
    return bool(norms) and all(
        norm.synchronised is Known.NO and not (norm.layer is not None and norm.layer.own_forward)
        for norm in norms
    )


def _queue_of(graph: ModelGraph, forward: Forward) -> KeptTensor | None:
    """What keeps the keys of earlier batches, if the queries are compared with both."""
    network = _network(graph, forward)
    if not network or not _gets_batch_as_it_is(graph, network):
        return None
    keys = {call.index for call in graph.calls if _is_of(graph, call, network)}
    positives = {query for pair in _compared(graph, keys) for query in pair}
    for kept in graph.kept:
        queue = {c.index for c in graph.calls if _is_of(graph, c, _calls(graph, kept.reads))}
        negatives = {query for pair in _compared(graph, queue - keys) for query in pair}
        if not keys.isdisjoint(kept.writes) and not positives.isdisjoint(negatives - keys - queue):
            return kept
    return None


def _network(graph: ModelGraph, forward: Forward) -> list[Call]:
    """The calls within the model of a forward that is a part of another."""
    names = {layer.name for layer in graph.layers if layer.identity == forward.model.identity}
    return [call for call in graph.calls if not names.isdisjoint(call.modules)]


def _calls(graph: ModelGraph, indices: tuple[int, ...]) -> list[Call]:
    return [graph.calls[index] for index in indices]


def _is_of(graph: ModelGraph, call: Call, sources: list[Call]) -> bool:
    """Whether a call is one of some, or computed from their outputs."""
    return any(call is source or graph.comes_from(call, source) for source in sources)


def _gets_batch_as_it_is(graph: ModelGraph, network: list[Call]) -> bool:
    """Whether all inputs of a network are inputs of the model: nothing shuffles, gathers or splits them."""
    given = _given(graph, network)
    return bool(given) and all(_as_given(graph, call).kind is Kind.INPUT for call in given)


def _given(graph: ModelGraph, network: list[Call]) -> list[Call]:
    """What calls that belong together get from others."""
    inside = {call.index for call in network}
    return [graph.calls[i] for call in network for i in call.inputs if i not in inside]


def _as_given(graph: ModelGraph, call: Call) -> Call:
    while call.kind is Kind.PASS and call.inputs:
        call = graph.calls[call.inputs[0]]
    return call


def _compared(graph: ModelGraph, those: set[int]) -> Iterator[set[int]]:
    """What is multiplied with one of some tensors, by the call that made it."""
    for call in graph.calls:
        if call.kind in _PRODUCTS and len(call.inputs) == 2 and len(those & set(call.inputs)) == 1:
            yield {_root(graph, graph.calls[index]).index for index in set(call.inputs) - those}


def _root(graph: ModelGraph, call: Call) -> Call:
    """The tensor that a call only gives another shape."""
    while call.kind in (Kind.PASS, Kind.RESHAPE, Kind.PERMUTE) and call.inputs:
        call = graph.calls[call.inputs[0]]
    return call
