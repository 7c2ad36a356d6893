"""Which domain a batch comes from: forwards of one step of training on batches of different data."""

from collections import defaultdict
from itertools import combinations

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.training_batches.steps import between, updating_forwards
from bnlint.facts.types.context import Loop
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, OptimizerStep, Run
from bnlint.facts.wording.layer_words import has_name
from bnlint.immutable import immutable


@immutable
class SeparateDomains:
    """Two forwards of one model for one step of an optimizer, on batches of different datasets.

    One is trained on, and the other one at least perhaps. At least one has a loss of its own, so
    that they are no two parts of one task: a support set and its queries, the images of a pair. No
    other model teaches on one of them: self-ensembling separates the statistics on purpose.
    """

    first: Forward
    second: Forward


@Pass
def separate_domains(run: Run) -> tuple[SeparateDomains, ...]:
    """Those whose statistics BatchNorm layers keep together; each pair once for each pass of a loop."""
    groups: dict[tuple[int, tuple[Loop, ...]], list[Forward]] = defaultdict(list)
    for forward in updating_forwards(run):
        learns = forward.backpropagated is not Known.NO
        if learns and forward.loaders and not forward.computed:
            groups[forward.model.key, forward.context.loops].append(forward)
    return tuple(
        SeparateDomains(first, second)
        for (_, loops), group in groups.items()
        if loops
        for first, second in combinations(group, 2)
        if _are_of_domains(first, second) and serve_one_step(run, first, second)
    )


def _are_of_domains(first: Forward, second: Forward) -> bool:
    """Whether all data of two forwards differ, and nothing says which of them the model gets."""
    apart = all(
        one.dataset.holds_others_than(other.dataset)
        for one in first.loaders
        for other in second.loaders
    )
    trained = trains(first) or trains(second)
    own_loss = first.supervised or second.supervised
    taught = first.taught or second.taught
    return apart and trained and own_loss and not taught and first.constants == second.constants


def serve_one_step(run: Run, one: Forward, other: Forward) -> bool:
    """Whether no step of an optimizer is between two forwards in one pass, each through all BatchNorm layers."""
    first, second = sorted((one, other), key=lambda forward: forward.order)
    if first.context.loops != second.context.loops:
        return False
    before = set(first.context.assumptions) <= set(second.context.assumptions)
    if not before or _has_idle_norms(run, first):
        return False
    return not any(isinstance(event, OptimizerStep) for event in between(run, first, second))


def _has_idle_norms(run: Run, forward: Forward) -> bool:
    """Whether BatchNorm layers that are read from the code do not run in each forward, as of one domain each."""
    graph = run.graph_of(forward.model)
    if graph is None:
        return False
    layers = (layer for layer in graph.of_kind(Kind.BATCH_NORM) if has_name(layer))
    calls = (graph.calls_by_layer.get(layer, ()) for layer in layers)
    return any(all(not call.certain for call in called) for called in calls)
