"""Files that get the parameters of a trained network without its running statistics."""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.forwards import gives_statistics, norms_in_training, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.run import Destination, Forward, Model, Run, Stored
from bnlint.facts.types.weight_events import HandedOver, ParametersStored
from bnlint.immutable import immutable


@immutable
class LostStatistics:
    """Parameters that are saved alone, and the last step before that moved the statistics."""

    stored: ParametersStored
    trained: Forward


@Pass
def lost_statistics(run: Run) -> tuple[LostStatistics, ...]:
    """What a run that was followed to its end saves like that, and saves nowhere as a whole."""
    return tuple(_lost(run)) if run.complete else ()


def _lost(run: Run) -> Iterator[LostStatistics]:
    for stored in run.of_type(ParametersStored):
        layers = {norm.identity for norm in stored.norms}
        steps = [
            forward
            for forward in run.of_type(Forward)
            if forward.order < stored.order
            and trains(forward)
            and any(norm.identity in layers for norm in norms_in_training(forward))
        ]
        if not steps or steps[-1].model.buffers_used or _is_handed_over(run, steps):
            continue
        if not _is_saved(run, steps[-1].model):
            yield LostStatistics(stored, steps[-1])


def _is_handed_over(run: Run, steps: Sequence[Forward]) -> bool:
    """Whether code that is not known gets the trained network, and may save it as a whole."""
    handed = (event for event in run.of_type(HandedOver) if event.order > steps[0].order)
    return any(gives_statistics(event, steps[-1]) for event in handed)


def _is_saved(run: Run, model: Model) -> bool:
    """Whether a model, or one with layers of it, is also saved as a whole."""
    layers = {layer.identity for layer in model.batch_norms}
    whole = (s for s in run.of_type(Stored) if s.destination is Destination.SAVED)
    return any(
        other.is_same(model) or any(layer.identity in layers for layer in other.batch_norms)
        for stored in whole
        for other in stored.models
    )
