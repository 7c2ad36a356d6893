"""Squeeze-and-excite in normalizer-free networks that halves the signal.

A sigmoid gives about 1/2 where its input is about 0, as that of a layer with small random weights is at the
beginning. Hu et al. 2018, arXiv 1709.01507, have a BatchNorm behind it; without one the product has to be
doubled (Brock, De and Smith 2021, arXiv 2101.08692).
"""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.initial_signal.normalizer_free import (
    SAME,
    ScaledBlock,
    normalizer_free_blocks,
)
from bnlint.facts.passes.initial_signal.signal_paths import Step
from bnlint.facts.passes.initial_signal.variance_bookkeeping import bookkeeping, is_doubled
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.immutable import immutable

_SAME_VALUES = frozenset({Kind.PASS, Kind.RESHAPE, Kind.PERMUTE})


@immutable
class HalvingGate:
    """A product of the signal of ``block`` with ``sigmoid``, which nothing doubles."""

    block: ScaledBlock
    product: Call
    sigmoid: Call


@Pass
def halving_gates(graph: ModelGraph) -> tuple[HalvingGate, ...]:
    """Those of a model whose factors count on the whole signal."""
    books = bookkeeping(graph)
    if books is None or books.follows is None or books.counts_gates:
        return ()
    blocks = normalizer_free_blocks(graph)
    return tuple(gate for block in blocks for gate in _of_block(graph, block))


def _of_block(graph: ModelGraph, block: ScaledBlock) -> Iterator[HalvingGate]:
    compensated = [
        stretch.steps
        for stretch in block.stretches[1:]
        if stretch.gain and stretch.right_gain and stretch.gain / stretch.right_gain > 2 - 2 * SAME
    ]
    for steps in (*(stretch.steps for stretch in block.stretches[1:]), block.tail):
        if steps not in compensated:
            yield from _among(graph, block, steps)


def _among(graph: ModelGraph, block: ScaledBlock, steps: Sequence[Step]) -> Iterator[HalvingGate]:
    for step in steps:
        if step.gate is None or is_doubled(steps, step) or abs(step.gate.factor - 1) > SAME:
            continue
        sigmoid = step.gate.sigmoid
        if graph.comes_from(sigmoid, block.residual.fork) and _is_half(graph, sigmoid):
            yield HalvingGate(block, step.call, sigmoid)


def _is_half(graph: ModelGraph, sigmoid: Call) -> bool:
    """Whether the sigmoid's input is about 0: from a layer with weights of mean 0 and no bias above it."""
    call = graph.calls[sigmoid.inputs[0]]
    while call.kind in _SAME_VALUES and call.inputs:
        call = graph.calls[call.inputs[0]]
    layer = call.layer
    if call.kind not in WEIGHTED or layer is None or layer.drawn is None:
        return False
    bias = layer.initial.get("bias", 0.0)
    return bias == 0 and "bias" not in layer.assigned and layer.refilled != {"bias"}
