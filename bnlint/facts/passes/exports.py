"""Models that are turned into programs of their own while their BatchNorm layers are in train mode."""

from bnlint.facts.passes.forwards import is_live, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.run import Destination, Forward, Run, Stored


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
        later = (other for other in run.of_type(Forward) if other.order > event.order)
        if not any(trains(other) for other in later):
            found.setdefault((model.key, event.function), event)
    return tuple(found.values())
