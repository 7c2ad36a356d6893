"""The constants that residual blocks multiply their signal by."""

from collections.abc import Iterator, Sequence
from math import prod
from operator import attrgetter

from torch import Tensor, fx

from bnlint.facts.types.kind import NORMALIZATIONS, Kind
from bnlint.tracer.record.node_operations import operation_of
from bnlint.tracer.signal.residuals import Addition, GraphFlow

_GATES = frozenset({"sigmoid", "hardsigmoid"})
_OPEN = 0.5
"""What a sigmoid gate is at initialisation, on average."""


def alpha_and_beta(flow: GraphFlow, addition: Addition) -> tuple[float, float]:
    """The constants of ``skip + alpha * f(x / beta)``, 1 where there are none.

    ``alpha`` are the factors behind the last layer of the branch with weights, ``1 / beta`` those
    before its first one, back to the addition before. A squeeze-and-excite gate counts as 1/2.
    """
    path = addition.branch_path
    learning = flow.learning(path)
    first, last = path.index(learning[0]), path.index(learning[-1])
    mixing = flow.learning(addition.trunk)
    start = addition.trunk.index(mixing[-1]) + 1 if mixing else 0
    alpha = prod(_factors(flow, path[last + 1 :])) * operand_factor(addition.add, addition.branch)
    shrinking = prod(_factors(flow, (*addition.trunk[start:], *path[:first])))
    return alpha, 1 / shrinking if shrinking else 1.0


def is_normalised(flow: GraphFlow, addition: Addition) -> bool:
    """Whether the branch holds a normalisation of its signal (one of weights does not count)."""
    return any(flow.kinds[node] in NORMALIZATIONS for node in addition.branch_path)


def fades_in(flow: GraphFlow, addition: Addition) -> bool:
    """Whether a branch is small because its last weights are 0, or because of a learnt factor.

    That is a parameter which multiplies it behind them, or the weight of a norm. All of these grow
    as fast as they get gradients, whose size does not depend on theirs.
    """
    path = addition.branch_path
    last = path.index(flow.learning(path)[-1])
    if any(_is_learnt_factor(flow, node) for node in path[last + 1 :]):
        return True
    weight = weight_of(flow, path[last], position=1)
    return weight is not None and not bool(weight.any())


def _is_learnt_factor(flow: GraphFlow, node: fx.Node) -> bool:
    if flow.kinds[node] in NORMALIZATIONS:
        return True
    sources = node.all_input_nodes
    return flow.kinds[node] is Kind.MUL and any(_is_learnt(flow, source) for source in sources)


def _is_learnt(flow: GraphFlow, node: fx.Node) -> bool:
    """Whether a node gives a parameter, reshaped or not."""
    while flow.kinds[node] in (Kind.RESHAPE, Kind.PERMUTE, Kind.PASS) and node.all_input_nodes:
        node = node.all_input_nodes[0]
    return flow.kinds[node] is Kind.PARAMETER


def weight_of(flow: GraphFlow, node: fx.Node, position: int) -> Tensor | None:
    """The weight of a layer, or of the function at ``position`` of whose arguments it stands."""
    found: object = None
    if node.op == "call_module":
        found = getattr(flow.module.get_submodule(str(node.target)), "weight", None)
    else:
        given = node.kwargs.get("weight", node.args[position] if len(node.args) > position else 0)
        if isinstance(given, fx.Node) and given.op == "get_attr":
            found = attrgetter(str(given.target))(flow.module)
    return found.detach() if isinstance(found, Tensor) else None


def is_normalizer_free(
    constants: Sequence[tuple[float, float]], additions: Sequence[Addition], normalised: bool
) -> bool:
    """Whether blocks take ``x / beta`` with a beta that follows the variance, and no norm.

    One constant in all blocks is some other factor: an activation's gain, for instance.
    """
    following = [
        beta
        for (_, beta), addition in zip(constants, additions, strict=True)
        if addition.previous is not None
    ]
    scaled = [beta for beta in following if abs(beta - 1) > 1e-6]
    several = len({round(beta, 6) for _, beta in constants}) > 1
    return not normalised and several and 2 * len(scaled) >= len(following)


def operand_factor(add: fx.Node, operand: fx.Node) -> float:
    """What ``torch.add(x, y, alpha=...)`` multiplies an operand by."""
    alpha = add.kwargs.get("alpha", add.args[2] if len(add.args) > 2 else 1)
    second = add.args[1] if len(add.args) > 1 else add.kwargs.get("other")
    return float(alpha) if operand is second and isinstance(alpha, int | float) else 1.0


def constant_factor(flow: GraphFlow, node: fx.Node) -> float | None:
    """The constant by which a node multiplies its only tensor input."""
    if len(node.all_input_nodes) != 1 or len(node.args) < 2:
        return None
    match flow.kinds[node], node.args[0], node.args[1]:
        case Kind.MUL, fx.Node(), int() | float() as factor:
            return float(factor)
        case Kind.MUL, int() | float() as factor, fx.Node():
            return float(factor)
        case Kind.DIV, fx.Node(), int() | float() as divisor if divisor:
            return 1 / divisor
    return None


def _factors(flow: GraphFlow, nodes: Sequence[fx.Node]) -> Iterator[float]:
    for node in nodes:
        factor = constant_factor(flow, node)
        if factor is not None:
            yield factor
        elif flow.kinds[node] is Kind.MUL and any(
            _is_gate(flow, source) for source in node.all_input_nodes
        ):
            yield _OPEN


def _is_gate(flow: GraphFlow, node: fx.Node) -> bool:
    name = operation_of(node, flow.module).name.lower().rstrip("_")
    return flow.kinds[node] is Kind.ACTIVATION and name in _GATES
