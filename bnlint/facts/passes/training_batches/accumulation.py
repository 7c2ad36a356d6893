"""Batches whose gradients are added up before the optimizer makes a step."""

from collections.abc import Iterator

from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.training_batches.batches import TrainedBatch, trained_batches
from bnlint.facts.types.context import Condition, Loop
from bnlint.facts.types.run import OptimizerStep, Run
from bnlint.immutable import immutable


@immutable
class Accumulation:
    """A batch that a model is trained on, where ``number`` of them go into each step.

    ``condition`` is what the step waits for.
    """

    batch: TrainedBatch
    condition: Condition
    number: int


@Pass
def accumulations(run: Run) -> tuple[Accumulation, ...]:
    """Those of a run, for loops in which no step is made but once in so many passes."""
    return tuple(_accumulations(run))


def _accumulations(run: Run) -> Iterator[Accumulation]:
    steps: dict[tuple[Loop, ...], list[OptimizerStep]] = {}
    for step in run.of_type(OptimizerStep):
        for depth in range(1, len(step.context.loops) + 1):
            steps.setdefault(step.context.loops[:depth], []).append(step)
    for batch in trained_batches(run):
        own = steps.get(batch.forward.context.loops, ())
        waited = [_waits_for(batch, step) for step in own]
        first = waited[0] if waited else None
        if run.is_cut_in(batch.forward.context):
            continue
        if first is not None and first.every is not None and all(c is first for c in waited):
            yield Accumulation(batch, first, first.every)


def _waits_for(batch: TrainedBatch, step: OptimizerStep) -> Condition | None:
    """The condition of a step that the forward before it has not, and that holds now and then."""
    known = batch.forward.context.assumptions
    for assumption in step.context.assumptions:
        every = assumption.condition.every
        if assumption.holds and assumption not in known and every is not None and every > 1:
            return assumption.condition
    return None
