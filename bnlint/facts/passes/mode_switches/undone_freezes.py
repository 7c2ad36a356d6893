"""BatchNorm layers that are put into eval mode and that a later ``train()`` of the whole puts back."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import field

from bnlint.facts.passes.forwards import norms_in_training, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.run import (
    Event,
    Forward,
    Frozen,
    ModeAssigned,
    ModeSwitched,
    NormState,
    Run,
)
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class UndoneFreeze:
    """Layers that ``freeze`` put into eval mode, each by itself, and ``undone`` back with others.

    ``forward`` is the first that trains them after that.
    """

    freeze: ModeSwitched
    undone: ModeSwitched
    forward: Forward
    norms: list[NormState] = field(default_factory=list)


@Pass
def undone_freezes(run: Run) -> tuple[UndoneFreeze, ...]:
    """One for each place that freezes and each that undoes it."""
    switches = _switches_by_layer(run)
    found: dict[tuple[Site, Site], UndoneFreeze] = {}
    for forward in filter(trains, run.of_type(Forward) if switches else ()):
        for norm in norms_in_training(forward):
            pair = _undone(switches.get(norm.identity, ()), forward)
            if pair is None or not _was_meant_to_last(run, norm, *pair, forward):
                continue
            sites = pair[0].site, pair[1].site
            entry = found.setdefault(sites, UndoneFreeze(*pair, forward))
            if entry.forward is forward:
                entry.norms.append(norm)
    return tuple(found.values())


def _switches_by_layer(run: Run) -> dict[int, list[ModeSwitched]]:
    """The switches that reach each BatchNorm layer that is once put into eval mode by itself.

    Where a line certainly switches other modules, too, it is not about BatchNorm.
    """
    switches = list(run.of_type(ModeSwitched))
    told: list[ModeSwitched | ModeAssigned] = [*switches, *run.of_type(ModeAssigned)]
    general = {e.site for e in told if not e.model.is_batch_norm and e.context.certain}
    frozen = {
        event.model.identity
        for event in switches
        if event.training is False and event.model.is_batch_norm and event.site not in general
    }
    found: dict[int, list[ModeSwitched]] = defaultdict(list)
    for event in switches if frozen else ():
        for layer in event.model.batch_norms:
            if layer.identity in frozen:
                found[layer.identity].append(event)
    return found


def _undone(
    switches: Sequence[ModeSwitched], forward: Forward
) -> tuple[ModeSwitched, ModeSwitched] | None:
    """The last switch of the layer by itself, if into eval mode, and the first that undoes it."""
    before = [event for event in switches if event.order < forward.order]
    own = [number for number, event in enumerate(before) if event.model.is_batch_norm]
    if not own or before[own[-1]].training is not False:
        return None
    freeze = before[own[-1]]
    back = [event for event in before[own[-1] + 1 :] if event.training is not False]
    if not back or back[0].training is None or _exclude_each_other(freeze, forward):
        return None
    return freeze, back[0]


def _exclude_each_other(one: Event, other: Event) -> bool:
    """Whether two events never happen in the same run of the program."""
    here = set(other.context.assumptions)
    return any(assumption.opposite in here for assumption in one.context.assumptions)


def _was_meant_to_last(
    run: Run, norm: NormState, freeze: ModeSwitched, undone: ModeSwitched, live: Forward
) -> bool:
    """Whether a layer was frozen for training: not for an evaluation or a phase, and not thawed since."""
    uses = [
        forward
        for forward in run.of_type(Forward)
        if freeze.order < forward.order < undone.order and _is_used_frozen(forward, norm, freeze)
    ]
    trained = [forward for forward in uses if trains(forward)]
    if uses and (not trained or _was_for_a_phase(freeze, undone, trained, live)):
        return False
    return not any(
        event.order > freeze.order
        and event.requires_grad is not False
        and any(layer.identity == norm.identity for layer in event.model.batch_norms)
        for event in run.of_type(Frozen)
    )


def _was_for_a_phase(
    freeze: Event, undone: Event, trained: Sequence[Forward], live: Forward
) -> bool:
    """Whether a pass of a loop ends with a training of frozen layers, and the next begins with another."""
    passes = zip(freeze.context.loops, undone.context.loops, strict=False)
    in_next = any(one.site == other.site and one.number < other.number for one, other in passes)
    return in_next and not any(
        (forward.site, forward.context.frames) == (live.site, live.context.frames)
        for forward in trained
    )


def _is_used_frozen(forward: Forward, norm: NormState, freeze: ModeSwitched) -> bool:
    return any(
        other.identity == norm.identity and any(s.site == freeze.site for s in other.mode)
        for other in forward.norms
    )
