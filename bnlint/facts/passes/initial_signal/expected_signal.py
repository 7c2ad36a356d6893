"""The signal that theory expects of a model at initialisation, by reading its graph."""

from collections.abc import Mapping, Sequence

from bnlint.facts.passes.initial_signal.propagation import Flow, flows
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, ModelGraph, Residual
from bnlint.facts.types.kind import NORMALIZATIONS, Kind
from bnlint.facts.types.shortcuts import LEARNING
from bnlint.facts.types.signal import Block, Signal
from bnlint.immutable import immutable


@immutable
class Expectation:
    """An expected signal, with the addition behind each of its blocks.

    ``proven`` tells for each whether the initialisation of all layers that its variance is reckoned
    from could be read.
    """

    signal: Signal
    residuals: tuple[Residual, ...]
    proven: tuple[bool, ...]


@Pass
def expectation(graph: ModelGraph) -> Expectation:
    """The moments of each residual addition both operands of which are known."""
    found = flows(graph)
    known = [r for r in graph.residuals if found[r.add.index].origin != r.add.index]
    numbers = {residual.add.index: number for number, residual in enumerate(known)}
    additions = [call.index for call in graph.calls if call.kind is Kind.ADD]
    blocks: list[Block] = []
    for residual in known:
        previous, trunk = _back(graph, residual.fork, found, numbers)
        stage = _stage(blocks, previous, (*trunk, *residual.skip))
        number = additions.index(residual.add.index)
        blocks.append(_block(residual, number, found, previous, stage))
    proven = tuple(found[residual.add.index].proven for residual in known)
    return Expectation(Signal(graph.name, (), tuple(blocks)), tuple(known), proven)


def _back(
    graph: ModelGraph, fork: Call, found: Sequence[Flow], numbers: Mapping[int, int]
) -> tuple[int | None, tuple[Call, ...]]:
    """The addition that a fork comes from, and the calls between, fork included.

    ``None`` where an operation between begins anew.
    """
    pending, passed = {fork.index}, list[Call]()
    while pending:
        index = max(pending)
        pending.remove(index)
        if index in numbers:
            return numbers[index], tuple(passed)
        call = graph.calls[index]
        passed.append(call)
        if found[index].origin != index:
            pending.update(call.inputs)
    return None, tuple(passed)


def _stage(blocks: Sequence[Block], previous: int | None, passed: Sequence[Call]) -> int:
    """A stage begins where the trunk or the shortcut before an addition learns."""
    if previous is None or any(call.kind in LEARNING for call in passed):
        return 1 + max((block.stage for block in blocks), default=0)
    return blocks[previous].stage


def _block(
    residual: Residual, number: int, found: Sequence[Flow], previous: int | None, stage: int
) -> Block:
    skip = residual.skip[-1] if residual.skip else residual.fork
    moments = found[residual.add.index].moments
    return Block(
        name=residual.add.modules[-1] if residual.add.modules else "",
        addition=number,
        stage=stage,
        transition=any(call.kind in LEARNING for call in residual.skip),
        previous=previous,
        squared_mean=moments.squared_mean,
        variance=moments.variance,
        skip_variance=found[skip.index].moments.variance,
        branch_variance=found[residual.branch[-1].index].moments.variance,
        normalised=is_normalised(residual),
    )


def is_normalised(residual: Residual) -> bool:
    """Whether the branch has a norm."""
    return any(call.kind in NORMALIZATIONS for call in residual.branch)
