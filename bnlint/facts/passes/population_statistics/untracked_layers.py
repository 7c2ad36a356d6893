"""BatchNorm layers that have running statistics and are told to track them no more, for good."""

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.run import Run
from bnlint.facts.types.weight_events import TrackingAssigned


@Pass
def lasting_untracking(run: Run) -> tuple[TrackingAssigned, ...]:
    """The assignments of False to ``track_running_stats`` that keep the statistics, and are not undone."""
    return tuple(
        event
        for event in run.of_type(TrackingAssigned)
        if event.tracks is False and not event.removed and not _is_completed(run, event)
    )


def _is_completed(run: Run, event: TrackingAssigned) -> bool:
    """Whether the statistics are removed, too, or tracking is switched on again later."""
    own = {layer.identity for layer in event.layers}
    return any(
        (other.removed or (other.order > event.order and other.tracks is not False))
        and not own.isdisjoint(layer.identity for layer in other.layers)
        for other in run.of_type(TrackingAssigned)
    )
