"""Modes that a caller has set, undone by what gives back one that it has kept since before."""

from collections.abc import Iterable, Iterator

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.mode_switches.live_evaluations import live_evaluations
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.mode_events import ModeGivenBack
from bnlint.facts.types.run import Forward, ModeSwitched, Run, is_training
from bnlint.immutable import immutable


@immutable
class UndoneMode:
    """``forward`` runs in the mode that is ``given_back``, and not in the one that ``switched`` has set."""

    switched: ModeSwitched
    given_back: ModeGivenBack
    forward: Forward


@Pass
def undone_modes(run: Run) -> tuple[UndoneMode, ...]:
    """One for each forward that evaluates in train mode, or is trained on in eval mode, for that."""
    given = [*run.of_type(ModeGivenBack)]
    return tuple(_undone(run, given, _in_wrong_mode(run))) if given else ()


def _in_wrong_mode(run: Run) -> Iterator[Forward]:
    yield from live_evaluations(run)
    yield from (f for f in run.of_type(Forward) if trains(f) and _has_only_eval_mode(f))


def _has_only_eval_mode(forward: Forward) -> bool:
    return bool(forward.norms) and all(
        norm.is_there and norm.tracks is Known.YES and is_training(norm.mode) is Known.NO
        for norm in forward.norms
    )


def _undone(
    run: Run, given: list[ModeGivenBack], forwards: Iterable[Forward]
) -> Iterator[UndoneMode]:
    for forward in forwards:
        event = _last_given_back(given, forward)
        switched = None if event is None else _set_by_caller(run, event, forward)
        if event is not None and switched is not None and switched.training is not event.training:
            yield UndoneMode(switched, event, forward)


def _last_given_back(given: list[ModeGivenBack], forward: Forward) -> ModeGivenBack | None:
    """What has put the model of a forward into the mode that it certainly runs in, if that was kept."""
    before = (e for e in given if e.order < forward.order and e.model.is_same(forward.model))
    event = max(before, key=lambda e: e.order, default=None)
    if event is None or any(
        switch.site != event.site or switch.training is not event.training
        for switch in forward.mode
    ):
        return None
    return event


def _set_by_caller(run: Run, event: ModeGivenBack, forward: Forward) -> ModeSwitched | None:
    """The last switch of a function that calls the one which gives a mode back, since that was read.

    It is one that still runs when the forward comes.
    """
    switches = (
        switch
        for switch in run.of_type(ModeSwitched)
        if event.kept_order < switch.order < event.order
        and switch.model.is_same(event.model)
        and _calls(switch, event)
        and forward.context.frames[: len(switch.context.frames)] == switch.context.frames
    )
    return max(switches, key=lambda switch: switch.order, default=None)


def _calls(switch: ModeSwitched, event: ModeGivenBack) -> bool:
    """Whether a switch stands in a function around the call of the one that an event stands in."""
    frames, conditions = switch.context.frames, set(switch.context.assumptions)
    inside = event.context.frames
    around = len(frames) < len(inside) and inside[: len(frames)] == frames
    return around and conditions <= set(event.context.assumptions)
