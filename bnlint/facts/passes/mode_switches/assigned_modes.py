"""Modes that are assigned to a model alone, whose BatchNorm layers stay in the other one."""

from collections.abc import Mapping, Sequence

from bnlint.facts.passes.forwards import evaluated_between, norms_in_training, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeAssigned, Run, is_training
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class AssignedMode:
    """``event`` sets ``training`` of a model alone, and ``forward`` runs it in two modes."""

    event: ModeAssigned
    forward: Forward


@Pass
def assigned_modes(run: Run) -> tuple[AssignedMode, ...]:
    """One for each forward of a model whose own mode was assigned, not that of each of its modules."""
    assigned: dict[Site, list[ModeAssigned]] = {}
    for one in run.of_type(ModeAssigned):
        assigned.setdefault(one.site, []).append(one)
    alone = {site: events for site, events in assigned.items() if _is_of_one(events)}
    found = []
    for forward in run.of_type(Forward) if alone else ():
        event = _assigned_before(alone, forward)
        if event is not None and _is_left_behind(run, event, forward):
            found.append(AssignedMode(event, forward))
    return tuple(found)


def _assigned_before(
    assigned: Mapping[Site, Sequence[ModeAssigned]], forward: Forward
) -> ModeAssigned | None:
    """The assignment that a model has its mode from in a forward, if it is one of these.

    The same line may assign either: what ``train`` and ``eval`` both call does.
    """
    sites = {switch.site for switch in forward.mode}
    if len(sites) != 1 or (site := sites.pop()) is None:
        return None
    before = [event for event in assigned.get(site, ()) if event.order < forward.order]
    return before[-1] if before else None


def _is_of_one(events: Sequence[ModeAssigned]) -> bool:
    """Whether it is one model's: a loop over modules reaches the layers, too."""
    return all(event.model.is_same(events[0].model) for event in events)


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
