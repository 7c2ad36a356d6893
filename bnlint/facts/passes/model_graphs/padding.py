"""Sequences that are padded to one length, up to the BatchNorm layers that take statistics from them."""

from bnlint.facts.passes.model_graphs.built_layers import trained_norm
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import NORMALIZATIONS, Kind
from bnlint.immutable import immutable

_PADDING = frozenset({"pad_sequence", "pad_packed_sequence"})
_KEEPING = NORMALIZATIONS | {
    *(Kind.CONV, Kind.LINEAR, Kind.EMBEDDING, Kind.RECURRENT, Kind.ACTIVATION, Kind.DROPOUT),
    *(Kind.PASS, Kind.PERMUTE, Kind.RESHAPE, Kind.PAD),
}
"""Operations on all steps alike, or after which they are still in the tensor."""

_STEPWISE = frozenset({Kind.CONV, Kind.EMBEDDING, Kind.RECURRENT, Kind.PERMUTE})
"""Operations that only sequences get, of which BatchNorm1d normalises all steps."""


@immutable
class PaddedStatistics:
    """BatchNorm layers, in the order of their calls, that count the steps which ``padding`` has added."""

    padding: Call
    layers: tuple[Layer, ...]


@Pass
def padded_statistics(graph: ModelGraph) -> tuple[PaddedStatistics, ...]:
    """Those of a model that certainly run in training."""
    found: dict[Call, dict[Layer, None]] = {}
    for call in graph.calls:
        layer = trained_norm(graph, call)
        padding = _padding_before(graph, call) if layer is not None else None
        if layer is not None and padding is not None:
            found.setdefault(padding, {})[layer] = None
    return tuple(PaddedStatistics(padding, tuple(layers)) for padding, layers in found.items())


def _padding_before(graph: ModelGraph, call: Call) -> Call | None:
    """What padded the sequences that a call gets, if nothing since then took steps or a mean of them."""
    while call.inputs:
        call = graph.calls[call.inputs[0]]
        if call.op in _PADDING:
            return call
        if call.kind not in _KEEPING and not _is_sequences(graph, call):
            return None
    return None


def norms_over_steps(graph: ModelGraph) -> tuple[Layer, ...]:
    """The BatchNorm layers that certainly take statistics over the steps of sequences, if these are the first input."""
    first = next((call for call in graph.calls if call.kind is Kind.INPUT), None)
    layers = (
        trained_norm(graph, call) for call in graph.calls if _counts_steps(graph, call, first)
    )
    return tuple(dict.fromkeys(layer for layer in layers if layer is not None))


def _counts_steps(graph: ModelGraph, call: Call, first: Call | None) -> bool:
    """Whether a layer for vectors or sequences gets all steps of the input, not vectors of one size."""
    if call.layer is None or not call.layer.type.endswith("BatchNorm1d"):
        return False
    walks = False
    while call.inputs:
        call = graph.calls[call.inputs[0]]
        walks = walks or call.kind in _STEPWISE
        if call.kind not in _KEEPING and call.kind is not Kind.INPUT:
            return False
    return walks and call is first


def _is_sequences(graph: ModelGraph, call: Call) -> bool:
    """Whether it takes the sequences, not their lengths, from ``pad_packed_sequence``."""
    source = graph.calls[call.inputs[0]] if call.inputs else None
    key = call.arguments.get("key")
    unpacked = source is not None and source.op == "pad_packed_sequence"
    return unpacked and call.op == "getitem" and key is not None and key.value == 0
