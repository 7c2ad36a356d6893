"""Evaluations at an average of the weights that an optimizer has put into the model."""

from collections.abc import Iterator
from math import inf

from bnlint.facts.passes.forwards import (
    changes_statistics,
    norms_in_training,
    relies_on_running_statistics,
    trains,
)
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.weight_events import WeightsSwapped
from bnlint.immutable import immutable


@immutable
class SwappedWeights:
    """A forward in eval mode at averaged weights, with the running statistics of the trained ones.

    ``trained`` is a step before the swap, which moved these statistics.
    """

    swap: WeightsSwapped
    forward: Forward
    trained: Forward


@Pass
def swapped_weights(run: Run) -> tuple[SwappedWeights, ...]:
    """Such forwards, where nothing gives the average running statistics of its own."""
    if not run.complete or not any(run.of_type(WeightsSwapped)):
        return ()
    return tuple(
        SwappedWeights(swap, forward, trained)
        for forward in run.of_type(Forward)
        if relies_on_running_statistics(forward) and not forward.model.buffers_used
        if (swap := _last_swap(run, forward)) is not None
        if (trained := _training_before(run, swap, forward)) is not None
        if not _gets_statistics(run, swap, forward)
    )


def _last_swap(run: Run, forward: Forward) -> WeightsSwapped | None:
    """The one that put the average in which a model certainly runs at.

    A further call for the average, while a model has it, changes nothing.
    """
    found: WeightsSwapped | None = None
    for swap in _swaps_of(run, forward):
        if swap.order < forward.order and not (found is not None and swap.averaged):
            found = swap if swap.averaged or (swap.averaged is None and found is None) else None
    if found is None or not set(found.context.assumptions) <= set(forward.context.assumptions):
        return None
    return found


def _swaps_of(run: Run, forward: Forward) -> Iterator[WeightsSwapped]:
    layers = {norm.identity for norm in forward.norms}
    for swap in run.of_type(WeightsSwapped):
        shared = any(layer.identity in layers for layer in swap.model.batch_norms)
        if shared or swap.model.is_same(forward.model):
            yield swap


def _training_before(run: Run, swap: WeightsSwapped, forward: Forward) -> Forward | None:
    """A step that moved the statistics which a forward uses, before a swap."""
    layers = {norm.identity for norm in forward.norms}
    steps = (
        step
        for step in run.of_type(Forward)
        if step.order < swap.order and trains(step)
        if any(norm.identity in layers for norm in norms_in_training(step))
    )
    return next(steps, None)


def _gets_statistics(run: Run, swap: WeightsSwapped, forward: Forward) -> bool:
    """Whether a model gets other statistics while it has the average, perhaps to compare both."""
    later = (other.order for other in _swaps_of(run, forward) if other.order > swap.order)
    until = min(later, default=inf)
    between = (event for event in run.events if swap.order < event.order < until)
    return any(changes_statistics(event, forward) for event in between)
