"""BN302: a trained model with BatchNorm is loaded and used without ``eval()``."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import (
    is_live,
    switch_was_meant,
    training_forwards,
    trains_nothing,
)
from bnlint.facts.passes.mode_switches.loaded_weights import loads_before
from bnlint.facts.passes.mode_switches.own_rules import told_by_own_rules
from bnlint.facts.passes.mode_switches.requested_train_mode import asks_in_vain
from bnlint.facts.passes.population_statistics.momentum import keeps_last_batch
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Purpose
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.weight_events import WeightsLoaded
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.eval_fix import (
    advice_on,
    cure_of,
    is_never_trained,
    who_answers_by_mode,
)
from bnlint.facts.wording.evidence import how_it_came, in_time
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN302",
    "missing-eval-at-inference",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards, told_by_own_rules),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the first use of each loaded model in a script that trains nothing."""
    if not trains_nothing(run):
        return
    told = told_by_own_rules(run)
    found = (f for f in run.of_type(Forward) if f.order not in told and _is_wrong(run, f))
    for forward in first_of_each(found, key=lambda forward: forward.model.key):
        yield _finding(run, forward, _last_load(run, forward))


def _is_wrong(run: Run, forward: Forward) -> bool:
    if not _predicts(forward) or not is_live(forward):
        return False
    if _last_load(run, forward) is None and not forward.model.pretrained:
        return False
    if _is_switched(forward) and not asks_in_vain(run, forward):
        return False
    return not switch_was_meant(run, forward, "eval")


def _predicts(forward: Forward) -> bool:
    if forward.inner or forward.made_up is Known.YES or forward.backpropagated is not Known.NO:
        return False
    held_out = any(loader.purpose is Purpose.EVALUATION for loader in forward.loaders)
    no_grad = bool(forward.loaders) and forward.grad is Known.NO
    return forward.measured is Known.YES or no_grad or held_out


def _is_switched(forward: Forward) -> bool:
    """Whether the script has called ``train()`` or ``eval()``, also for a part of the model alone."""
    return any(switch.site is not None for switch in forward.mode)


def _last_load(run: Run, forward: Forward) -> WeightsLoaded | None:
    loads = loads_before(run, forward)
    return loads[-1] if loads else None


def _finding(run: Run, forward: Forward, loaded: WeightsLoaded | None) -> Finding:
    told = [*how_it_came(run, forward)]
    if loaded is not None:
        told.append((loaded.order, (loaded.site, _how_loaded(loaded))))
    return RULE.at(
        forward.site,
        _message(forward),
        evidence=[*in_time(told), *who_answers_by_mode(forward)],
        fix=None if _is_switched(forward) else _fix(run, forward, loaded),
    )


def _message(forward: Forward) -> str:
    name = forward.model.name
    harm = (
        "BatchNorm ignores the running statistics that were trained and normalises each batch by its"
        " own, so a prediction depends on the rest of its batch"
    )
    if not _is_switched(forward):
        return f"`{name}` predicts in train mode: {harm}; {advice_on(forward, 'first')}"
    remedy = (
        "use eval mode, and if that gives worse ones, look for what spoils the running statistics"
    )
    if keeps_last_batch(forward) or forward.model.answers_by_mode:
        remedy = advice_on(forward, "first")
    return f"`{name}` is put into train mode for its predictions: {harm}; {remedy}"


def _how_loaded(loaded: WeightsLoaded) -> str:
    if loaded.saved_by:
        return f"it is loaded here in train mode, as `{loaded.saved_by}` saves it"
    return "its weights are loaded here, which leaves the mode alone"


def _fix(run: Run, forward: Forward, loaded: WeightsLoaded | None) -> Fix | None:
    """Switch after the load where everything that follows is this script's own, else before use."""
    cure = cure_of(run, forward)
    unfit = forward.model.answers_by_mode or keeps_last_batch(forward)
    if loaded is None or loaded.saved_by or unfit or not _is_own(run, forward, loaded):
        return RULE.fixed_by(cure.title, *cure.edits)
    line = f"{loaded.model.name}.eval()"
    return RULE.fixed_by(f"Call `{line}` after loading", loaded.site.insert_after(line))


def _is_own(run: Run, forward: Forward, loaded: WeightsLoaded) -> bool:
    """Whether a script that never trains loads the weights under a name, in a function around."""
    if not loaded.context.certain or not is_dotted_name(loaded.model.name):
        return False
    depth = len(loaded.context.frames)
    around = forward.context.frames[:depth] == loaded.context.frames
    return around and is_never_trained(run, loaded.site)
