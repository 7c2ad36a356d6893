"""Evaluations of loaders' batches that use the statistics of the batch, and move the running ones."""

from bnlint.facts.passes.forwards import (
    evaluated_between,
    helper_of,
    is_live,
    is_step_of_training,
    layers_trained_between,
    loops_of,
    switch_was_meant,
    training_backwards,
    training_forwards,
    trains_nothing,
)
from bnlint.facts.passes.mode_switches.loaded_weights import loads_before
from bnlint.facts.passes.mode_switches.repeated_batches import repeating_loop
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader, Purpose
from bnlint.facts.types.run import (
    Event,
    Forward,
    ModeSwitched,
    OptimizerStep,
    Run,
    Switch,
    is_training,
)


@Pass
def live_evaluations(run: Run) -> tuple[Forward, ...]:
    """The forwards that evaluate in train mode, without anything that speaks for it."""
    return tuple(forward for forward in run.of_type(Forward) if _is_wrong(run, forward))


def _is_wrong(run: Run, forward: Forward) -> bool:
    if not _is_evaluation(run, forward) or not is_live(forward):
        return False
    if _is_inference(run, forward):
        return False
    if is_step_of_training(run, forward) and not _judges_others(run, forward):
        return False
    return not (
        switch_was_meant(run, forward, "eval")
        or _samples_on_purpose(run, forward)
        or _compares_modes(run, forward)
    )


def _is_evaluation(run: Run, forward: Forward) -> bool:
    """Whether a loader's batch is predicted, not trained on and not used for its statistics."""
    if forward.inner or not forward.loaders or forward.backpropagated is not Known.NO:
        return False
    no_grad, measured = forward.grad is Known.NO, forward.measured is Known.YES
    if any(loader.purpose is Purpose.EVALUATION for loader in forward.loaders):
        return measured or (no_grad and not is_asked_for(run, forward))
    return measured and (no_grad or _is_apart(run, forward))


def _is_apart(run: Run, forward: Forward) -> bool:
    """Whether it goes through data that nothing is trained with, in their order, where nothing trains.

    Gradients may be recorded: who predicts need not know how to switch that off.
    """
    return (
        all(loader.purpose is not Purpose.TRAINING for loader in forward.loaders)
        and all(map(_keeps_order, forward.loaders))
        and trained_loaders(run).isdisjoint(forward.loaders)
        and not any(
            _shares_pass(forward, event)
            for event in (*training_backwards(run), *run.of_type(OptimizerStep))
        )
    )


def _shares_pass(forward: Forward, event: Event) -> bool:
    """Whether an event may belong to the same pass of the loop over the data that a forward is in.

    Which of the loops around it that is, is not known where the data are one of several loaders'.
    """
    over_data = [loop.site for loop in forward.context.loops if loop.loader is not None]
    around = {over_data[-1]} if over_data else loops_of(forward)
    return not around or not around.isdisjoint(loops_of(event))


def _keeps_order(loader: Loader) -> bool:
    """Whether a loader is certain to draw the samples of its dataset one after the other."""
    given = (loader.arguments.get(name) for name in ("shuffle", "sampler", "batch_sampler"))
    return loader.resolved and all(one is None or one.value in (None, False) for one in given)


@Pass
def trained_loaders(run: Run) -> frozenset[Loader]:
    """The loaders whose batches some model is trained on."""
    return frozenset(loader for forward in training_forwards(run) for loader in forward.loaders)


def _is_inference(run: Run, forward: Forward) -> bool:
    """Whether the script only uses a model that was trained elsewhere: BN302's."""
    if not trains_nothing(run):
        return False
    return forward.model.pretrained or bool(loads_before(run, forward))


def _judges_others(run: Run, forward: Forward) -> bool:
    """Whether a network that was trained elsewhere, and is not here, measures what others make of a batch.

    Inception does for the FID: the pass is a step of their training, its forward no part of it.
    """
    model = forward.model
    if forward.in_loss or any(switch.site is not None for switch in forward.mode):
        return False
    if model.optimized is not Known.NO or model.overwritten or model.copied_from >= 0:
        return False
    layers = {norm.identity for norm in forward.norms}
    return bool(model.pretrained or loads_before(run, forward)) and all(
        layers.isdisjoint(norm.identity for norm in other.norms) for other in training_forwards(run)
    )


def is_asked_for(run: Run, forward: Forward) -> bool:
    """Whether ``train()`` was called for this evaluation, since no training follows the call."""
    return all(
        switch.site is not None
        and not layers_trained_between(run, forward, switch.order)
        and not _ends_another(run, forward, switch)
        for switch in forward.mode
    )


def _ends_another(run: Run, forward: Forward, switch: Switch) -> bool:
    """Whether a function that has returned gave train mode back after an evaluation of its own."""
    helper = helper_of(switch, forward)
    return bool(helper) and any(
        event.training is False
        and event.model.is_same(forward.model)
        and event.context.frames[: len(helper)] == helper
        and evaluated_between(run, forward.model, event.order, switch.order)
        for event in run.of_type(ModeSwitched)
    )


def _samples_on_purpose(run: Run, forward: Forward) -> bool:
    """Whether the same batch is predicted several times with ``train()`` on, as MC dropout does."""
    return repeating_loop(forward) is not None and is_asked_for(run, forward)


def _compares_modes(run: Run, forward: Forward) -> bool:
    """Whether ``train()`` was called for it and the same code evaluates the model in eval mode, too.

    Who calls ``test(net, train=True)`` and ``test(net, train=False)`` wants to see the difference.
    """
    return is_asked_for(run, forward) and any(
        other.site == forward.site
        and other.model.is_same(forward.model)
        and is_training(other.mode) is Known.NO
        for other in run.of_type(Forward)
    )
