"""Residual branches that nothing normalises or scales, and how many of them are stacked."""

from collections.abc import Iterator, Sequence

from bnlint.facts.graph import Call, ModelGraph, Residual
from bnlint.facts.kind import NORMALIZATIONS, WEIGHTED, Kind

_UNSCALED = frozenset(
    {
        Kind.CONV,
        Kind.LINEAR,
        Kind.ACTIVATION,
        Kind.DROPOUT,
        Kind.MAX_POOL,
        Kind.AVG_POOL,
        Kind.UPSAMPLE,
        Kind.PAD,
        Kind.RESHAPE,
        Kind.PERMUTE,
        Kind.PASS,
        Kind.CAT,
        Kind.ADD,
        Kind.SUB,
    }
)
"""Operations that let the scale of a tensor through."""

_BOUNDED = frozenset(
    {
        "tanh",
        "sigmoid",
        "softmax",
        "hardtanh",
        "hardsigmoid",
        "softsign",
        "relu6",
        "logsigmoid",
        "logsoftmax",
        "log_softmax",
        "softmin",
        "softmax2d",
    }
)
"""Activations whose output does not grow with their input."""


def stacks_of_unscaled_residuals(graph: ModelGraph) -> Iterator[tuple[Residual, ...]]:
    """The longest stacks of residual additions whose branches grow with what they are added to.

    Each addition's fork comes from the addition before it, with no normalisation or scaling
    between. Only additions that certainly run count.
    """
    unscaled = [residual for residual in graph.residuals if _is_unscaled(graph, residual)]
    before: dict[Residual, Residual | None] = {}
    by_add = {residual.add.index: residual for residual in unscaled}
    for residual in unscaled:
        before[residual] = _previous(graph, residual.fork, by_add)
    followed = {residual for residual in before.values() if residual is not None}
    for residual in unscaled:
        if residual not in followed:
            yield _stack(residual, before)


def _stack(last: Residual, before: dict[Residual, Residual | None]) -> tuple[Residual, ...]:
    stack = [last]
    while (previous := before[stack[-1]]) is not None:
        stack.append(previous)
    return tuple(reversed(stack))


def _is_unscaled(graph: ModelGraph, residual: Residual) -> bool:
    if not residual.add.certain or "alpha" in residual.add.arguments:
        return False
    if any(call.kind in NORMALIZATIONS for call in residual.skip):
        return False
    if not all(_lets_scale_through(graph, call) for call in residual.branch):
        return False
    return not _starts_at_zero(residual.branch)


def _lets_scale_through(graph: ModelGraph, call: Call) -> bool:
    """Whether an operation's output certainly grows with its input.

    A weight that the code replaces (spectral or weight normalisation) may keep it from growing.
    """
    layer = call.layer
    if not call.certain or (
        layer is not None and (layer.own_forward or "weight" in layer.assigned)
    ):
        return False
    if call.kind in (Kind.MUL, Kind.DIV):
        return _multiplies_by_one_or_more(call)
    if call.kind is Kind.ACTIVATION:
        return call.op.lower().removesuffix("_") not in _BOUNDED
    return call.kind in _UNSCALED and not _adds_parameter(graph, call)


def _adds_parameter(graph: ModelGraph, call: Call) -> bool:
    """Scalar biases beside the layers are the mark of Fixup networks."""
    sources = graph.inputs_of(call)
    return call.kind is Kind.ADD and any(source.kind is Kind.PARAMETER for source in sources)


def _multiplies_by_one_or_more(call: Call) -> bool:
    other = call.arguments.get("other")
    if len(call.inputs) != 1 or other is None or other.number is None:
        return False
    factor = abs(other.number)
    return factor >= 1 if call.kind is Kind.MUL else 0 < factor <= 1


def _starts_at_zero(branch: Sequence[Call]) -> bool:
    """Whether the branch's last weighted layer is initialised to zero."""
    weighted = [call for call in branch if call.kind in WEIGHTED]
    layer = weighted[-1].layer if weighted else None
    return layer is None or layer.initial.get("weight") == 0


def _previous(graph: ModelGraph, fork: Call, by_add: dict[int, Residual]) -> Residual | None:
    """The nearest unscaled addition that a fork comes from with its scale."""
    pending, seen = [fork.index], set[int]()
    while pending:
        index = max(pending)
        pending.remove(index)
        if index in by_add:
            return by_add[index]
        call = graph.calls[index]
        if index in seen or not _lets_scale_through(graph, call):
            continue
        seen.add(index)
        pending.extend(call.inputs)
    return None
