"""BN412: a model that has its weights runs on made-up numbers in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import (
    gives_statistics,
    is_live,
    norms_in_training,
    switch_was_meant,
    trained_between,
    training_forwards,
)
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Destination, Forward, Mode, Run, Stored, Summarised, is_training
from bnlint.facts.types.weight_events import WeightsLoaded
from bnlint.facts.wording.code_text import first_argument
from bnlint.facts.wording.eval_fix import cure_of
from bnlint.facts.wording.evidence import how_it_came, how_it_came_into, in_time
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN412",
    "dummy-forward-in-train-mode",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards,),
)

Trial = Forward | Summarised
"""A run of a model for its shapes, its time or a list of its layers."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place once, with what is done with the statistics after it."""
    trials = (event for event in run.events if isinstance(event, Trial) and _is_trial(run, event))
    found = ((trial, _use_after(run, trial)) for trial in trials if _has_learnt(run, trial))
    pairs = ((trial, use) for trial, use in found if use is not None)
    for trial, use in first_of_each(pairs, key=lambda pair: pair[0].site):
        yield _finding(run, trial, use)


def _is_trial(run: Run, event: Trial) -> bool:
    """Whether a model runs in train mode on numbers that are made up, and nobody looks at the result."""
    if not is_live(event):
        return False
    if isinstance(event, Summarised):
        return True
    made_up = event.made_up is Known.YES and not event.inner
    used = event.trained_on or event.in_loss or event.measured is Known.YES
    return made_up and not used and not switch_was_meant(run, event, "eval")


def _has_learnt(run: Run, trial: Trial) -> bool:
    """Whether the running statistics are those of a training, on something else than made-up numbers."""
    model, trained = trial.model, False
    for forward in training_forwards(run):
        if forward.model.is_same(model):
            if not forward.loaders:
                return False  # a generator, whose inputs are always made up
            trained = trained or forward.order < trial.order
    loaded = run.of_type(WeightsLoaded)
    before = any(e.order < trial.order and e.model.is_same(model) for e in loaded)
    return trained or model.pretrained or before


def _use_after(run: Run, trial: Trial) -> Forward | Stored | None:
    """The first use of the statistics that no training and no loaded weights have replaced before."""
    for event in run.events:
        if event.order <= trial.order:
            continue
        if gives_statistics(event, trial):
            return None
        if isinstance(event, Forward | Stored) and _uses_statistics(event, trial):
            replaced = trained_between(run, trial.model, trial.order, event.order)
            return None if replaced else event
    return None


def _uses_statistics(event: Forward | Stored, trial: Trial) -> bool:
    match event:
        case Forward(model=model, made_up=made_up):
            normalised = any(is_training(norm.mode) is Known.NO for norm in event.norms)
            return model.is_same(trial.model) and normalised and made_up is not Known.YES
        case Stored(models=models, destination=Destination.SAVED):
            return any(model.is_same(trial.model) for model in models)
    return False


def _finding(run: Run, trial: Trial, use: Forward | Stored) -> Finding:
    name = trial.model.name
    if isinstance(trial, Summarised):
        mode: Mode = frozenset().union(*(norm.mode for norm in norms_in_training(trial)))
        told = [*how_it_came_into(run, mode, trial.model)]
        what = f"`{trial.function}` runs `{name}` on random numbers, in train mode"
    else:
        told = [*how_it_came(run, trial)]
        what = f"`{name}` runs on made-up numbers here, in train mode"
    then = "is saved" if isinstance(use, Stored) else "uses its running statistics"
    told.append((use.order, (use.site, f"`{name}` {then} here")))
    return RULE.at(
        trial.site,
        f"{what}: BatchNorm moves its running statistics towards those of the made-up numbers, and "
        f"nothing puts them right before they are used; call `{name}.eval()` before it",
        evidence=in_time(told),
        fix=_fix(run, trial),
    )


def _fix(run: Run, trial: Trial) -> Fix | None:
    if isinstance(trial, Forward):
        cure = cure_of(run, trial)
        return RULE.fixed_by(cure.title, *cure.edits)
    name = first_argument(trial.site.text)
    if name is None or len(norms_in_training(trial)) < len(trial.norms):
        return None
    kept = f"{name.replace('.', '_').removeprefix('self_')}_was_training"
    before, after = [f"{kept} = {name}.training", f"{name}.eval()"], f"{name}.train({kept})"
    edits = trial.site.around(before, after, caught=False)
    return RULE.fixed_by(f"Call `{name}.eval()` before it, and give the mode back after it", *edits)
