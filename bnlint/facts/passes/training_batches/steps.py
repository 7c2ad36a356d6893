"""What happens in one step of training, from one step of an optimizer to the next."""

from bnlint.facts.passes.forwards import is_live
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.run import Event, Forward, Run
from bnlint.facts.types.weight_events import MomentumAssigned


@Pass
def updating_forwards(run: Run) -> tuple[Forward, ...]:
    """The script's forwards that move running statistics, with a momentum that is not 0."""
    return tuple(forward for forward in run.of_type(Forward) if _updates(run, forward))


def _updates(run: Run, forward: Forward) -> bool:
    if forward.inner or not is_live(forward):
        return False
    layers = {norm.identity for norm in forward.norms}
    assigned = [
        event
        for event in run.of_type(MomentumAssigned)
        if event.order < forward.order and any(x.identity in layers for x in event.layers)
    ]
    return not assigned or assigned[-1].value.number != 0


def between(run: Run, first: Event, second: Event) -> list[Event]:
    """What happens after one event and before another, on paths that come to it."""
    return [
        event
        for event in run.events
        if first.order < event.order < second.order and not second.context.excludes(event.context)
    ]
