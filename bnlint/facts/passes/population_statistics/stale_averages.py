"""Averages of weights that are used with the running statistics of other weights."""

from collections.abc import Iterator
from math import inf

from bnlint.facts.passes.forwards import (
    may_move_statistics,
    norms_in_training,
    relies_on_running_statistics,
    trains,
)
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Destination, Event, Forward, Run, Stored
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import StatisticsEstimated, WeightsAveraged, WeightsLoaded
from bnlint.immutable import immutable

_RENEWING = ("update_bn", "bn_update", "precise")
"""Words of code that estimates running statistics, perhaps of a file that was saved before."""


@immutable
class StaleAverage:
    """An average of weights that is run in eval mode, or only saved, without statistics of its own.

    ``update`` is the last one before, and ``trained`` a step of the network that is averaged.
    """

    use: Forward | Stored
    update: WeightsAveraged
    trained: Forward

    @property
    def place(self) -> Site:
        """The use, or the call that leads to it from the innermost function with both."""
        frames = self.use.context.frames
        depth = len(self.use.context.shared_frames(self.update.context))
        call = frames[depth].call if depth < len(frames) else None
        return self.use.site if call is None else call


@Pass
def stale_averages(run: Run) -> tuple[StaleAverage, ...]:
    """The first such use of each average."""
    if not run.complete or not any(run.of_type(WeightsAveraged)):
        return ()
    found: dict[int, StaleAverage] = {}
    uses: list[Forward | Stored] = [*run.of_type(Forward), *run.of_type(Stored)]
    for use in uses:
        for update in _last_updates(run, use):
            trained = _training_of(run, update)
            key = update.model.key
            if trained is not None and key not in found and not _is_renewed(run, use, update):
                found[key] = StaleAverage(use, update, trained)
    return tuple(found.values())


def _last_updates(run: Run, use: Forward | Stored) -> Iterator[WeightsAveraged]:
    """The last update, before a use that relies on running statistics, of each average in it."""
    for model in (use.model,) if isinstance(use, Forward) else use.models:
        updates = [
            update
            for update in run.of_type(WeightsAveraged)
            if update.order < use.order and update.model.is_same(model)
        ]
        plain = bool(updates) and all(map(_is_plain, updates)) and not model.buffers_used
        if plain and not updates[-1].context.excludes(use.context) and _relies(use):
            yield updates[-1]


def _is_plain(update: WeightsAveraged) -> bool:
    """Whether weights are averaged, all alike, and running statistics are not."""
    return update.equally is Known.YES and update.buffers is Known.NO


def _relies(use: Forward | Stored) -> bool:
    if isinstance(use, Forward):
        return relies_on_running_statistics(use)
    return use.destination is Destination.SAVED and not any(
        map(use.site.source.mentions, _RENEWING)
    )


def _training_of(run: Run, update: WeightsAveraged) -> Forward | None:
    """A training step of the averaged network, with live statistics, before the update."""
    steps = (
        forward
        for forward in run.of_type(Forward)
        if forward.order < update.order
        and update.source is not None
        and forward.model.is_same(update.source)
        and trains(forward)
        and norms_in_training(forward)
    )
    return next(steps, None)


def _is_renewed(run: Run, use: Forward | Stored, update: WeightsAveraged) -> bool:
    """Whether an average may have got statistics of its own.

    What is saved may get them later, for another file; what is run may be run again with them, to
    be compared.
    """
    events = [event for event in run.events if event.order > update.order]
    renewals = [event.order for event in events if _renews(event, use, update)]
    if isinstance(use, Stored) or any(order < use.order for order in renewals):
        return bool(renewals)
    again = (e.order for e in events if isinstance(e, Forward) and e.site == use.site)
    updates = (e.order for e in events if isinstance(e, WeightsAveraged) and e.order > use.order)
    until = min(updates, default=inf)
    return bool(renewals) and renewals[0] < min(until, max(again))


def _renews(event: Event, use: Forward | Stored, update: WeightsAveraged) -> bool:
    match event:
        case StatisticsEstimated(model=model) | WeightsLoaded(model=model):
            return model.is_same(update.model)
        case Forward(model=model) if isinstance(use, Stored):
            return model.is_same(update.model) and not relies_on_running_statistics(event)
        case Forward() if isinstance(use, Forward):
            return may_move_statistics(event, use)
    return False
