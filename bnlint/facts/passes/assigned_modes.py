"""Modes that are assigned to a model alone, whose BatchNorm layers stay in the other one."""

from bnlint.facts.passes.forwards import evaluated_between, norms_in_training, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeAssigned, Run, is_training
from bnlint.immutable import immutable


@immutable
class AssignedMode:
    """``event`` sets ``training`` of a model alone, and ``forward`` runs it in two modes."""

    event: ModeAssigned
    forward: Forward


@Pass
def assigned_modes(run: Run) -> tuple[AssignedMode, ...]:
    """One for each forward of a model whose own mode was assigned."""
    events = {event.site: event for event in run.of_type(ModeAssigned)}
    found = []
    for forward in run.of_type(Forward) if events else ():
        if len(forward.mode) != 1:
            continue
        (switch,) = forward.mode
        event = events.get(switch.site) if switch.site is not None else None
        if event is not None and _is_left_behind(run, event, forward):
            found.append(AssignedMode(event, forward))
    return tuple(found)


def _is_left_behind(run: Run, event: ModeAssigned, forward: Forward) -> bool:
    """Whether the layers are in the mode that the assignment was to end."""
    if event.training is False:
        return bool(norms_in_training(forward))
    return event.training is True and trains(forward) and _stays_in_eval(run, event, forward)


def _stays_in_eval(run: Run, event: ModeAssigned, forward: Forward) -> bool:
    """Whether all layers still are in the eval mode of an evaluation before the assignment.

    Right after ``eval()``, ``training = True`` asks for what forward returns in train mode alone.
    """
    return bool(forward.norms) and all(
        is_training(norm.mode) is Known.NO
        and any(evaluated_between(run, forward.model, s.order, event.order) for s in norm.mode)
        for norm in forward.norms
    )
