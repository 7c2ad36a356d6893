"""BN301: a model with BatchNorm is evaluated in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import training_forwards
from bnlint.facts.passes.mode_switches.live_evaluations import is_asked_for, live_evaluations
from bnlint.facts.passes.mode_switches.own_rules import told_by_own_rules
from bnlint.facts.passes.mode_switches.unproven import unproven_evaluations
from bnlint.facts.passes.population_statistics.momentum import keeps_last_batch
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, is_training
from bnlint.facts.wording.eval_fix import advice_on, cure_of, who_answers_by_mode
from bnlint.facts.wording.evidence import how_it_came, how_it_came_into, in_time, loader_name
from bnlint.facts.wording.fix_places import evaluation_around
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN301",
    "missing-eval",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards, live_evaluations, told_by_own_rules),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report evaluations of loaders' batches in train mode, once for each model and place."""
    told = told_by_own_rules(run)
    found = (f for f in live_evaluations(run) if f.order not in told)
    for forward in first_of_each(
        found, key=lambda f: (evaluation_around(run, f), f.model.identity)
    ):
        yield _finding(run, forward)
    unproven = (f for f in unproven_evaluations(run) if not is_asked_for(run, f))
    for forward in first_of_each(
        unproven, key=lambda f: (evaluation_around(run, f), f.model.identity)
    ):
        yield _unproven(run, forward)


def _finding(run: Run, forward: Forward) -> Finding:
    cure = cure_of(run, forward)
    asked = is_asked_for(run, forward)
    return RULE.at(
        forward.site,
        _message(forward, asked),
        evidence=[*in_time(how_it_came(run, forward)), *who_answers_by_mode(forward)],
        fix=None if asked else RULE.fixed_by(cure.title, *cure.edits),
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


def _message(forward: Forward, asked: bool) -> str:
    name, data = forward.model.name, loader_name(forward.loaders)
    harm = (
        f"BatchNorm normalises each batch of {data} by its own statistics "
        "and updates the running ones with them"
    )
    advice = advice_on(forward, "before the evaluation")
    if asked and (keeps_last_batch(forward) or forward.model.answers_by_mode):
        return f"`{name}` is put into train mode for an evaluation, so {harm}; {advice}"
    if asked:
        return (
            f"`{name}` is put into train mode for an evaluation, so {harm}; use eval mode, and if "
            "that gives worse numbers, look for what spoils the running statistics"
        )
    if forward.grad is Known.NO:
        return f"Gradients are off, but `{name}` is still in train mode, so {harm}; {advice}"
    return f"`{name}` is evaluated in train mode, so {harm}; {advice}"
