"""BN301: a model with BatchNorm is evaluated in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import (
    evaluated_between,
    helper_of,
    is_live,
    is_step_of_training,
    layers_trained_between,
    switch_was_meant,
    training_forwards,
    trains_nothing,
)
from bnlint.facts.passes.own_rules import told_by_own_rules
from bnlint.facts.passes.unproven import unproven_evaluations
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Purpose
from bnlint.facts.types.run import Forward, ModeSwitched, Run, Switch, is_training
from bnlint.facts.types.weight_events import WeightsLoaded
from bnlint.facts.wording.eval_fix import (
    advice_on,
    cure_of,
    keeps_last_batch,
    who_answers_by_mode,
)
from bnlint.facts.wording.evidence import how_it_came, how_it_came_into, in_time, loader_name
from bnlint.facts.wording.fix_places import evaluation_around
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN301",
    "missing-eval",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards, told_by_own_rules),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report evaluations of loaders' batches in train mode, once for each model and place."""
    told = told_by_own_rules(run)
    found = (f for f in run.of_type(Forward) if f.order not in told and _is_wrong(run, f))
    for forward in first_of_each(
        found, key=lambda f: (evaluation_around(run, f), f.model.identity)
    ):
        yield _finding(run, forward)
    unproven = (f for f in unproven_evaluations(run) if not _is_explicit(run, f))
    for forward in first_of_each(
        unproven, key=lambda f: (evaluation_around(run, f), f.model.identity)
    ):
        yield _unproven(run, forward)


def _is_wrong(run: Run, forward: Forward) -> bool:
    if not _is_evaluation(run, forward) or not is_live(forward):
        return False
    if is_step_of_training(run, forward) or _is_inference(run, forward):
        return False
    return not (switch_was_meant(run, forward, "eval") or _samples_on_purpose(run, forward))


def _is_evaluation(run: Run, forward: Forward) -> bool:
    """Whether a loader's batch is predicted, not trained on and not used for its statistics."""
    if forward.inner or not forward.loaders or forward.backpropagated is not Known.NO:
        return False
    no_grad, measured = forward.grad is Known.NO, forward.measured is Known.YES
    if any(loader.purpose is Purpose.EVALUATION for loader in forward.loaders):
        return measured or (no_grad and not _is_explicit(run, forward))
    return no_grad and measured


def _is_inference(run: Run, forward: Forward) -> bool:
    """Whether the script only uses a model that was trained elsewhere: BN302's."""
    if not trains_nothing(run):
        return False
    return forward.model.pretrained or any(
        loaded.order < forward.order and loaded.model.is_same(forward.model)
        for loaded in run.of_type(WeightsLoaded)
    )


def _is_explicit(run: Run, forward: Forward) -> bool:
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
    loops = forward.context.loops
    return bool(loops) and loops[-1].loader is None and _is_explicit(run, forward)


def _finding(run: Run, forward: Forward) -> Finding:
    cure = cure_of(run, forward)
    explicit = _is_explicit(run, forward)
    return RULE.at(
        forward.site,
        _message(forward, explicit),
        evidence=[*in_time(how_it_came(run, forward)), *who_answers_by_mode(forward)],
        fix=None if explicit else RULE.fixed_by(cure.title, *cure.edits),
    )


def _unproven(run: Run, forward: Forward) -> Finding:
    """What would be wrong, depending on callers that were not found."""
    name, function = forward.model.name, run.entry.rpartition(".")[2]
    harm = "each batch is normalised by its own statistics, and moves the running ones"
    if is_training(forward.mode) is Known.YES:
        message = (
            f"`{function}` evaluates `{name}` in train mode: if that has BatchNorm, {harm}; call"
            f" `{name}.eval()` before the evaluation (nothing that calls `{function}` was found)"
        )
    else:
        message = (
            f"`{function}` evaluates `{name}` without calling `{name}.eval()`: if that has BatchNorm"
            f" and comes in train mode, {harm}; call it before the evaluation (nothing that calls"
            f" `{function}` was found)"
        )
    told = in_time(how_it_came_into(run, forward.mode, forward.model))
    evidence = [] if all(switch.site is None for switch in forward.mode) else told
    return RULE.at(forward.site, message, evidence=evidence, likely=True)


def _message(forward: Forward, explicit: bool) -> str:
    name, data = forward.model.name, loader_name(forward.loaders)
    harm = (
        f"BatchNorm normalises each batch of {data} by its own statistics "
        "and updates the running ones with them"
    )
    advice = advice_on(forward, "before the evaluation")
    if explicit and (keeps_last_batch(forward) or forward.model.answers_by_mode):
        return f"`{name}` is put into train mode for an evaluation, so {harm}; {advice}"
    if explicit:
        return (
            f"`{name}` is put into train mode for an evaluation, so {harm}; use eval mode, and if "
            "that gives worse numbers, look for what spoils the running statistics"
        )
    if forward.grad is Known.NO:
        return f"Gradients are off, but `{name}` is still in train mode, so {harm}; {advice}"
    return f"`{name}` is evaluated in train mode, so {harm}; {advice}"
