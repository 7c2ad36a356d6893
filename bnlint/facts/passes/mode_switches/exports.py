"""Models that are turned into programs of their own while their BatchNorm layers are in train mode."""

from bnlint.facts.passes.forwards import is_live, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.run import Destination, Forward, OptimizerStep, Run, Stored


@Pass
def exports_in_training(run: Run) -> tuple[Stored, ...]:
    """The first for each model and function; none of what is trained after that.

    Who goes on training, or may, may have recorded the training on purpose.
    """
    if not run.complete:
        return ()
    found: dict[tuple[int, str], Stored] = {}
    for event in run.of_type(Stored):
        if event.destination is not Destination.EXPORTED or not is_live(event):
            continue
        model = event.models[0]
        if not _training_follows(run, event):
            found.setdefault((model.key, event.function), event)
    return tuple(found.values())


def _training_follows(run: Run, event: Stored) -> bool:
    """Whether anything learns afterwards: a model, or what other packages make of the program."""
    forwards = any(trains(other) for other in run.of_type(Forward) if other.order > event.order)
    return forwards or any(step.order > event.order for step in run.of_type(OptimizerStep))
