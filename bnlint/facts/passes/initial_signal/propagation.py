"""The moments that noise has behind every call of a model at initialisation, by reading its graph.

Weights are independent random numbers of mean 0 (:mod:`bnlint.facts.passes.initial_signal.gains`), so that what two
different layers give is not correlated, and variances add. An operation whose effect is not known
begins anew with variance 1: what is said of the tensors behind it is relative to that.
"""

from collections.abc import Sequence
from dataclasses import replace

from bnlint.facts.passes.initial_signal.gains import assumed_gain, gain_of, size_of
from bnlint.facts.passes.initial_signal.moments import UNIT, Moments, activated
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import NORMALIZATIONS, Kind
from bnlint.immutable import immutable

ABSOLUTE = -1
LARGEST = 1e100
"""Beyond this squares would overflow."""
_ARITHMETIC = frozenset({Kind.ADD, Kind.SUB, Kind.MUL, Kind.DIV})
_SAME = frozenset({Kind.PASS, Kind.RESHAPE, Kind.PERMUTE, Kind.SPLIT, Kind.PAD})


@immutable
class Flow:
    """The moments of one tensor.

    ``origin`` is the call from which they are reckoned, ``ABSOLUTE`` for the model's input and
    normalised tensors, which have variance 1. ``mixers`` are the layers whose random weights the
    tensor sums; tensors that have none in common are not correlated. ``proven`` is false where an
    initialisation that could not be read was taken for He's.
    """

    moments: Moments
    origin: int
    mixers: frozenset[int] = frozenset()
    proven: bool = True

    def with_moments(self, moments: Moments) -> "Flow":
        """The same tensor, changed."""
        return replace(self, moments=moments)


@Pass
def flows(graph: ModelGraph) -> tuple[Flow, ...]:
    """The moments behind each call; those of a call without known effect have itself as origin."""
    found: list[Flow] = []
    for call in graph.calls:
        flow = _behind(call, [found[index] for index in call.inputs])
        if flow is None or not flow.moments.square < LARGEST:
            flow = Flow(UNIT, call.index, frozenset({call.index}))
        found.append(flow)
    return tuple(found)


def _behind(call: Call, inputs: Sequence[Flow]) -> Flow | None:
    own_forward = call.layer is not None and call.layer.own_forward
    if not call.certain or (own_forward and call.kind not in _ARITHMETIC):
        return None
    match call.kind, inputs:
        case Kind.INPUT, _:
            return Flow(UNIT, ABSOLUTE, frozenset({call.index}))
        case Kind.PARAMETER, _:
            value = _number(call, "fill")
            return None if value is None else Flow(Moments(value, 0.0, 0.0), ABSOLUTE)
        case ((Kind.CONV | Kind.LINEAR), [before, *_]):
            return _weighted(call, before)
        case kind, [before, *_] if kind in NORMALIZATIONS:
            return _normalised(call, before)
        case Kind.ACTIVATION, [before, *_]:
            return _activated(call, before)
        case ((Kind.ADD | Kind.SUB | Kind.MUL | Kind.DIV), _):
            return _arithmetic(call, inputs)
        case Kind.CAT, [before, *others]:
            alike = all(other.moments == before.moments for other in others)
            mixers = before.mixers.union(*(other.mixers for other in others))
            proven = all(flow.proven for flow in inputs)
            same = alike and all(other.origin == before.origin for other in others)
            return replace(before, mixers=mixers, proven=proven) if same else None
        case kind, [before]:
            return _unary(call, kind, before)
    return None


def _weighted(call: Call, before: Flow) -> Flow | None:
    layer = call.layer
    if layer is None or "weight" in layer.assigned:
        return None
    gain = gain_of(layer)
    proven = gain is not None
    if gain is None:
        gain = assumed_gain(layer)
    if gain is None:
        return None
    mixed = before.moments.mixed(gain)
    return Flow(mixed, before.origin, frozenset({call.index}), before.proven and proven)


def _normalised(call: Call, before: Flow) -> Flow | None:
    """BatchNorm and InstanceNorm centre each channel, other norms all channels together."""
    weight = 1.0 if call.layer is None else call.layer.initial.get("weight", 1.0)
    if call.kind is not Kind.OTHER_NORM:
        moments = Moments(0.0, 0.0, 1.0)
    else:
        centred = replace(before.moments, mean=0.0)
        moments = centred.times(centred.square**-0.5) if centred.square > 0 else centred
    return Flow(moments.times(weight), ABSOLUTE, before.mixers)


def _activated(call: Call, before: Flow) -> Flow | None:
    name = call.op.lower().replace("_", "")
    slope = None
    for key in ("negative_slope", "init"):
        slope = _number(call, key) if slope is None else slope
    moments = activated(before.moments, name, slope)
    return None if moments is None else before.with_moments(moments)


def _unary(call: Call, kind: Kind, before: Flow) -> Flow | None:
    moments = before.moments
    match kind:
        case Kind.DROPOUT:
            p = _number(call, "p")
            if p is None or not 0 <= p < 1:
                return None
            dropped = moments.square / (1 - p) - moments.squared_mean
            return before.with_moments(replace(moments, variance=dropped))
        case Kind.AVG_POOL:
            values = None if call.layer is None else size_of(call.layer, "kernel_size")
            return None if values is None else before.with_moments(moments.pooled(values))
        case Kind.UPSAMPLE:
            nearest = _text(call, "mode", "nearest").startswith("nearest")
            return before if nearest and "bilinear" not in call.op.lower() else None
    return before if kind in _SAME else None


def _arithmetic(call: Call, inputs: Sequence[Flow]) -> Flow | None:
    other = _number(call, "other")
    adds = call.kind in (Kind.ADD, Kind.SUB)
    match inputs:
        case [before] if other is not None and adds:
            moved = replace(before.moments, mean=before.moments.mean + other)
            return before.with_moments(moved) if call.kind is Kind.ADD else before
        case [before] if other is not None:
            return _multiplied(call, before, other)
        case [left, right] if adds:
            return _sum(call, left, right)
        case [left, right] if call.kind is Kind.MUL:
            return _scaled(left, right) or _scaled(right, left)
    return None


def _multiplied(call: Call, before: Flow, other: float) -> Flow | None:
    if call.kind is Kind.MUL:
        return before.with_moments(before.moments.times(other))
    reflected = call.arguments.get("reflected")
    if other == 0 or (reflected is not None and reflected.value is not False):
        return None
    return before.with_moments(before.moments.times(1 / other))


def _scaled(tensor: Flow, factor: Flow) -> Flow | None:
    """A tensor times a parameter that holds one number."""
    constant = factor.origin == ABSOLUTE and not factor.mixers
    return tensor.with_moments(tensor.moments.times(factor.moments.mean)) if constant else None


def _sum(call: Call, left: Flow, right: Flow) -> Flow | None:
    alpha = 1.0
    if "alpha" in call.arguments:
        known = _number(call, "alpha")
        if known is None:
            return None
        alpha = known
    if left.mixers & right.mixers:
        return None
    second = right.moments.times(-alpha if call.kind is Kind.SUB else alpha)
    dead = [flow for flow in (left, right) if flow.moments.square == 0]
    if left.origin != right.origin and not dead:
        return None
    origin = right.origin if left in dead else left.origin
    proven = left.proven and right.proven
    return Flow(left.moments.plus(second), origin, left.mixers | right.mixers, proven)


def _number(call: Call, name: str) -> float | None:
    """A constant argument of a function, or one that its layer was built with."""
    argument = call.arguments.get(name)
    if argument is None and call.layer is not None:
        argument = call.layer.arguments.get(name)
    return None if argument is None else argument.number


def _text(call: Call, name: str, default: str) -> str:
    argument = call.arguments.get(name)
    if argument is None and call.layer is not None:
        argument = call.layer.arguments.get(name)
    value = default if argument is None else argument.value
    return value if isinstance(value, str) else ""
