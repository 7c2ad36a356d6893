"""From measured additions to the blocks of a signal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import fx

from bnlint.facts.types.signal import Block
from bnlint.immutable import immutable
from bnlint.tracer.record.records import TracePlace
from bnlint.tracer.signal.channel_moments import ChannelMoments
from bnlint.tracer.signal.expected import expected_variances
from bnlint.tracer.signal.residuals import Addition, GraphFlow, is_transition, stages
from bnlint.tracer.signal.scaling import (
    alpha_and_beta,
    fades_in,
    is_normalised,
    is_normalizer_free,
    operand_factor,
)


@immutable
class Measured:
    """An addition's sum and its operands; ``channels_last`` is true of the last of many dimensions."""

    sum: ChannelMoments
    skip: ChannelMoments
    branch: ChannelMoments
    channels_last: bool


def blocks_of(
    flow: GraphFlow,
    additions: Sequence[Addition],
    measured: Sequence[Measured],
    kept: Mapping[fx.Node, float],
) -> tuple[tuple[Block, ...], bool]:
    """Return a block for each measured addition, and whether the network is normalizer-free.

    ``kept`` is the share of the variance that average poolings leave.
    """
    reached = additions[: len(measured)]
    constants = [alpha_and_beta(flow, addition) for addition in reached]
    norms = [is_normalised(flow, addition) for addition in reached]
    free = is_normalizer_free(constants, reached, any(norms))
    added = [_as_added(addition, m) for addition, m in zip(reached, measured, strict=True)]
    alphas = [alpha for alpha, _ in constants] if free else None
    expected = expected_variances(flow, reached, [skip for skip, _ in added], alphas, kept)
    names, numbers = block_names(flow, reached), stages(flow, reached)
    made = []
    for index, (addition, found) in enumerate(zip(reached, measured, strict=True)):
        block = replace(
            _block(flow, addition, found),
            name=names[index],
            stage=numbers[index],
            skip_variance=added[index][0],
            branch_variance=added[index][1],
            expected=expected[index].sum,
            expected_branch=expected[index].branch,
            normalised=norms[index],
            alpha=constants[index][0],
            beta=constants[index][1],
        )
        made.append(block)
    return tuple(made), free


def _block(flow: GraphFlow, addition: Addition, found: Measured) -> Block:
    """What one addition says of its block, without what the network around it says."""
    path, line = _written(addition)
    return Block(
        name="",
        addition=addition.number,
        stage=0,
        transition=is_transition(flow, addition),
        previous=addition.previous,
        squared_mean=found.sum.squared_mean,
        variance=found.sum.variance,
        skip_variance=found.skip.variance,
        branch_variance=found.branch.variance,
        fades_in=fades_in(flow, addition),
        path=path,
        line=line,
        samples=found.sum.samples,
        channels=found.sum.channels,
        channels_last=found.channels_last,
    )


def _as_added(addition: Addition, measured: Measured) -> tuple[float, float]:
    """The variances of skip and branch, times the squared ``alpha`` of ``torch.add``."""
    skip = operand_factor(addition.add, addition.skip) ** 2
    branch = operand_factor(addition.add, addition.branch) ** 2
    return measured.skip.variance * skip, measured.branch.variance * branch


def _written(addition: Addition) -> tuple[str | None, int | None]:
    place = addition.add.meta.get("place")
    return (place.file, place.line) if isinstance(place, TracePlace) else (None, None)


def block_names(flow: GraphFlow, additions: Sequence[Addition]) -> list[str]:
    """The module around each addition or, where that holds several, what its branch has in common.

    The root module, whose own name is empty, is called by the branch, too.
    """
    around = [_modules(addition.add)[-1] for addition in additions]
    counts = Counter(around)
    return [
        name if name and counts[name] == 1 else _branch_name(flow, addition) or name
        for name, addition in zip(around, additions, strict=True)
    ]


def _branch_name(flow: GraphFlow, addition: Addition) -> str:
    owners = [_owner(node).split(".") for node in flow.learning(addition.branch_path)]
    common = [parts[0] for parts in zip(*owners, strict=False) if len(set(parts)) == 1]
    return ".".join(common)


def _owner(node: fx.Node) -> str:
    if node.op == "call_module":
        return str(node.target)
    return str(node.meta.get("owner") or _modules(node)[-1])


def _modules(node: fx.Node) -> tuple[str, ...]:
    return tuple(node.meta.get("modules", ())) or ("",)
