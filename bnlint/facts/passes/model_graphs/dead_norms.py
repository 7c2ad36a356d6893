"""BatchNorm layers that give 0, and get no gradient, for as long as a model is trained.

One that starts with weight 0 and a bias that is not above 0 gives the same to each sample. Where
nothing but a ReLU follows, its slope there is 0, so that the weight, the bias and all that comes before
get no gradient. Added to a shortcut it would be a branch that starts at zero and learns (Goyal et al.
2017, arXiv:1706.02677, section 5.1).
"""

from collections.abc import Iterator

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable

_KEEPING = frozenset(
    {Kind.PASS, Kind.RESHAPE, Kind.PERMUTE, Kind.DROPOUT, Kind.MAX_POOL, Kind.AVG_POOL}
)
"""What makes zeros of zeros and adds nothing."""
_DEAD_AT_ZERO = frozenset({"relu", "relu6"})


@immutable
class DeadNorm:
    """Such a layer, the place that sets its weight to 0, and the ReLU that it ends in."""

    layer: Layer
    site: Site
    activation: Call


@Pass
def dead_norms(graph: ModelGraph) -> tuple[DeadNorm, ...]:
    """Those of one model."""
    return tuple(_dead_norms(graph))


def _dead_norms(graph: ModelGraph) -> Iterator[DeadNorm]:
    """Code that fills other layers with 0, too, is about to add something up."""
    emptied = {
        layer.filled_at.get("weight")
        for layer in graph.layers
        if layer.kind is not Kind.BATCH_NORM and layer.initial.get("weight") == 0
    }
    for layer, calls in graph.calls_by_layer.items():
        if layer.kind is not Kind.BATCH_NORM or not _starts_at_zero(layer):
            continue
        if layer.filled_at.get("weight") in emptied - {None}:
            continue
        ends = [end for call in calls if (end := _end(graph, call)) is not None]
        if len(ends) == len(calls):
            yield DeadNorm(layer, layer.filled_at.get("weight", layer.site), ends[0])


def _starts_at_zero(layer: Layer) -> bool:
    if not layer.certain or layer.own_forward or layer.assigned.keys() & {"weight", "bias"}:
        return False
    known = layer.initial.get("bias", 0.0) <= 0 and "bias" not in layer.refilled
    return known and layer.initial.get("weight") == 0


def _end(graph: ModelGraph, call: Call) -> Call | None:
    """The ReLU that all of a call's output goes through, if there is no other way."""
    users = graph.users_of(call)
    if not call.certain or not users or call.index in graph.outputs:
        return None
    ends = [_end_at(graph, user) for user in users]
    return ends[0] if all(ends) else None


def _end_at(graph: ModelGraph, user: Call) -> Call | None:
    if user.kind is Kind.ACTIVATION:
        dead = user.op.lower().rstrip("_") in _DEAD_AT_ZERO
        return user if dead and user.certain else None
    return _end(graph, user) if user.kind in _KEEPING else None
