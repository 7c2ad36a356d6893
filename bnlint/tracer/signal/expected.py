"""The variances that theory gives for the branches of residual blocks.

A BatchNorm's output has variance 1 (times its squared weight). An activation g turns it into
Var(g(z)) with z standard normal. A convolution or linear layer multiplies the variance by its
squared gain, the sum of the squared weights of one output: 2 after He initialisation. So a branch
that ends in BatchNorm, ReLU, conv has 2 (1 - 1/pi) / 2 = 0.68, one that ends in ReLU, BatchNorm,
conv of gain 1 has 1 (Brock, De and Smith 2021, arXiv 2101.08692, section 3).
"""

import math
from collections.abc import Mapping, Sequence

from torch import fx

from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.immutable import immutable
from bnlint.tracer.record.node_operations import operation_of
from bnlint.tracer.signal.residuals import Addition, GraphFlow, is_transition
from bnlint.tracer.signal.scaling import constant_factor, operand_factor, weight_of

VARIANCES = {
    "relu": (1 - 1 / math.pi) / 2,
    "relu6": 0.340845,
    "selu": 1.0,
    "gelu": 0.345644,
    "silu": 0.313083,
    "mish": 0.394548,
    "hardswish": 0.303939,
    "sigmoid": 0.043379,
    "hardsigmoid": 0.027639,
    "tanh": 0.394294,
    "softsign": 0.183014,
}
"""Var(g(z)) for z standard normal, by the activation's name in small letters."""

_UNCHANGED = frozenset({Kind.PASS, Kind.RESHAPE, Kind.PERMUTE})
_EXACT = frozenset({Kind.BATCH_NORM, Kind.INSTANCE_NORM})
"""Norms that give each channel a variance of its own; the others only all channels together."""


@immutable
class Expected:
    """The variances of a block's sum and of its branch; ``None`` where theory gives none."""

    sum: float | None
    branch: float | None


def expected_variances(
    flow: GraphFlow,
    additions: Sequence[Addition],
    skips: Sequence[float],
    alphas: Sequence[float] | None,
    kept: Mapping[fx.Node, float],
) -> list[Expected]:
    """The variance after each block if its branch were independent of its skip.

    Branches add theirs to that of the skip. An identity skip has the expected variance of the
    block before; what theory does not know of a skip is taken from its measured variance in
    ``skips``. ``alphas`` are the factors of a normalizer-free network (:func:`_normalizer_free`).
    """
    if alphas is not None:
        return _normalizer_free(flow, additions, alphas, kept)
    found: list[Expected] = []
    for addition, measured in zip(additions, skips, strict=True):
        skip = _expected_skip(flow, addition, found)
        branch = theoretical_variance(flow, addition.branch)
        if branch is not None:
            branch *= operand_factor(addition.add, addition.branch) ** 2
        base = measured if skip is None else skip
        found.append(Expected(None if branch is None else base + branch, branch))
    return found


def _normalizer_free(
    flow: GraphFlow,
    additions: Sequence[Addition],
    alphas: Sequence[float],
    kept: Mapping[fx.Node, float],
) -> list[Expected]:
    """What the betas assume, as far as the input lets it come true.

    Branches have the variance alpha squared, and skip paths start anew with 1 at each transition.
    An average pooling leaves ``kept`` of the variance, of noise next to nothing, and of images nearly
    all. No beta can know that, and it is no fault of the network: all that comes behind falls short
    by the same share, since both operands of each sum follow their input.
    """
    found: list[Expected] = []
    ideals: list[float] = []
    shares: list[float] = []
    for addition, alpha in zip(additions, alphas, strict=True):
        starts = addition.previous is None or is_transition(flow, addition)
        before = 1.0 if addition.previous is None else shares[addition.previous]
        before *= _kept(addition.trunk, kept)
        ideal = 1.0 if starts or addition.previous is None else ideals[addition.previous]
        skip = ideal * before * _kept(addition.skip_path, kept)
        branch = alpha**2 * before * _kept(addition.branch_path, kept)
        ideals.append(ideal + alpha**2)
        shares.append((skip + branch) / ideals[-1])
        found.append(Expected(skip + branch, branch))
    return found


def _kept(nodes: Sequence[fx.Node], kept: Mapping[fx.Node, float]) -> float:
    return math.prod(kept.get(node, 1.0) for node in nodes)


def _expected_skip(flow: GraphFlow, addition: Addition, before: Sequence[Expected]) -> float | None:
    if is_transition(flow, addition):
        return theoretical_variance(flow, addition.skip)
    between = (*addition.trunk, *addition.skip_path)
    if addition.previous is None or not all(flow.kinds[n] in _UNCHANGED for n in between):
        return None
    return before[addition.previous].sum


def theoretical_variance(flow: GraphFlow, node: fx.Node) -> float | None:
    """The average channel variance of a node's output, by the layers back to the last norm.

    ``None`` where something stands between whose effect is not known, or where there is no norm.
    """
    scale = 1.0
    while node.all_input_nodes:
        kind = flow.kinds[node]
        if kind in _EXACT:
            return scale * _squared_weight(flow, node)
        if kind is Kind.ACTIVATION:
            variance = _activated(flow, node)
            return None if variance is None else scale * variance
        factor = _squared_factor(flow, node, kind)
        if factor is None:
            return None
        scale *= factor
        node = node.all_input_nodes[0]
    return None


def _squared_factor(flow: GraphFlow, node: fx.Node, kind: Kind) -> float | None:
    if kind in WEIGHTED:
        return _squared_gain(flow, node)
    if kind in _UNCHANGED or _is_idle_dropout(flow, node, kind):
        return 1.0
    constant = constant_factor(flow, node)
    return None if constant is None else constant**2


def _activated(flow: GraphFlow, node: fx.Node) -> float | None:
    """The variance behind an activation of what a norm gives."""
    source = node.all_input_nodes[0]
    while flow.kinds[source] in _UNCHANGED and source.all_input_nodes:
        source = source.all_input_nodes[0]
    if flow.kinds[source] not in _EXACT or abs(_squared_weight(flow, source) - 1) > 0.01:
        return None
    name = operation_of(node, flow.module).name.lower().rstrip("_").replace("_", "")
    return _leaky(flow, node) if name == "leakyrelu" else VARIANCES.get(name)


def _leaky(flow: GraphFlow, node: fx.Node) -> float | None:
    if node.op == "call_module":
        slope: object = getattr(flow.module.get_submodule(str(node.target)), "negative_slope", None)
    else:
        slope = node.kwargs.get("negative_slope", node.args[1] if len(node.args) > 1 else 0.01)
    if not isinstance(slope, int | float):
        return None
    return float((1 + slope**2) / 2 - (1 - slope) ** 2 / (2 * math.pi))


def _is_idle_dropout(flow: GraphFlow, node: fx.Node, kind: Kind) -> bool:
    if kind is not Kind.DROPOUT or node.op != "call_module":
        return False
    return getattr(flow.module.get_submodule(str(node.target)), "p", None) == 0


def _squared_weight(flow: GraphFlow, norm: fx.Node) -> float:
    weight = weight_of(flow, norm, position=3)
    return 1.0 if weight is None else weight.double().square().mean().item()


def _squared_gain(flow: GraphFlow, layer: fx.Node) -> float | None:
    """The sum of the squared weights of one output, averaged over the outputs."""
    weight = weight_of(flow, layer, position=1)
    if weight is None or "transpose" in operation_of(layer, flow.module).name.lower():
        return None
    return weight.double().square().sum().item() / len(weight)
