"""Evaluations by several networks, of which only some are put into eval mode."""

from bnlint.facts.passes.forwards import (
    is_live,
    is_step_of_training,
    switch_was_meant,
    trained_between,
    training_forwards,
    trains_nothing,
)
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.context import Context
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Purpose
from bnlint.facts.types.run import Forward, ModeSwitched, Run, is_training
from bnlint.facts.types.weight_events import WeightsLoaded
from bnlint.immutable import immutable


@immutable
class PartialEvaluation:
    """A forward in train mode of an evaluation for which ``sister`` was put into eval mode."""

    forward: Forward
    sister: Forward


@Pass
def partial_evaluations(run: Run) -> tuple[PartialEvaluation, ...]:
    """One for each forward that was left in train mode."""
    switched = [forward for forward in run.of_type(Forward) if _is_put_into_eval(run, forward)]
    found = []
    for forward in run.of_type(Forward) if switched else ():
        if not _is_left(run, forward):
            continue
        sister = next((other for other in switched if _go_together(run, forward, other)), None)
        if sister is not None:
            found.append(PartialEvaluation(forward, sister))
    return tuple(found)


def _is_put_into_eval(run: Run, forward: Forward) -> bool:
    """Whether a network is in eval mode for an evaluation, not to be kept as it is in training."""
    if not _evaluates(run, forward) or is_training(forward.mode) is not Known.NO:
        return False
    if any(switch.site is None for switch in forward.mode):
        return False
    return trains_nothing(run) or any(
        other.model.is_same(forward.model) and is_training(other.mode) is not Known.NO
        for other in training_forwards(run)
    )


def _evaluates(run: Run, forward: Forward) -> bool:
    if forward.inner or forward.backpropagated is not Known.NO or forward.made_up is Known.YES:
        return False
    held_out = any(loader.purpose is Purpose.EVALUATION for loader in forward.loaders)
    looked_at = held_out or forward.grad is Known.NO or forward.measured is Known.YES
    return (looked_at or trains_nothing(run)) and not is_step_of_training(run, forward)


def _is_left(run: Run, forward: Forward) -> bool:
    """Whether a network that was trained evaluates in train mode, which nobody asked for."""
    if not is_live(forward) or not _evaluates(run, forward) or not _has_learnt(run, forward):
        return False
    asked = any(
        switch.site is not None
        and not trained_between(run, forward.model, switch.order, forward.order)
        for switch in forward.mode
    )
    return not (asked or switch_was_meant(run, forward, "eval"))


def _has_learnt(run: Run, forward: Forward) -> bool:
    """Whether statistics are there to evaluate with, of a training or of weights that were loaded."""
    if not trains_nothing(run) or forward.model.pretrained:
        return True
    return any(
        loaded.order < forward.order and loaded.model.is_same(forward.model)
        for loaded in run.of_type(WeightsLoaded)
    )


def _go_together(run: Run, forward: Forward, other: Forward) -> bool:
    """Whether two networks are used in the same pass of the same evaluation.

    Where the ``other`` is put back into train mode in between, its evaluation is over.
    """
    first, last = sorted((forward.order, other.order))
    if any(
        first < switch.order < last and switch.training and switch.model.is_same(other.model)
        for switch in run.of_type(ModeSwitched)
    ):
        return False
    if _have_layers_in_common(forward, other) or forward.loaders != other.loaders:
        return False
    return _one_lies_around(forward.context, other.context)


def _one_lies_around(one: Context, other: Context) -> bool:
    """Whether one function calls the other, or is it, within the same passes of the same loops."""
    shared = min(len(one.frames), len(other.frames))
    return one.loops == other.loops and one.frames[:shared] == other.frames[:shared]


def _have_layers_in_common(one: Forward, other: Forward) -> bool:
    return not {norm.identity for norm in one.norms}.isdisjoint(n.identity for n in other.norms)
