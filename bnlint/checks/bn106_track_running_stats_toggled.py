"""BN106: ``track_running_stats`` is set to False on a layer that has running statistics."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import is_left_to_others
from bnlint.facts.passes.population_statistics.untracked_layers import lasting_untracking
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeSwitched, Run, is_training
from bnlint.facts.types.weight_events import TrackingAssigned
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.finding import Applicability, Edit, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN106",
    "track-running-stats-toggled",
    Severity.WARNING,
    fix=Applicability.DISPLAY,
    reads=(lasting_untracking,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each assignment once, with the first forward that does something else than meant."""
    if settings.torch_is_before("1.6"):
        return
    switched = (event for event in lasting_untracking(run) if not event.function)
    found = ((event, _misled(run, event)) for event in switched)
    wrong = ((event, forward) for event, forward in found if forward is not None)
    for event, forward in first_of_each(wrong, key=lambda pair: pair[0].site):
        yield _finding(run, event, forward)


def _misled(run: Run, event: TrackingAssigned) -> Forward | None:
    """The first forward of such a layer in eval mode, or that trains it in train mode.

    Who puts the layer into eval mode by itself, too, wants to freeze it, and does.
    """
    own = {layer.identity for layer in event.layers}
    frozen = {e.model.identity for e in run.of_type(ModeSwitched) if _freezes(e, event)}
    for forward in run.of_type(Forward):
        if forward.order < event.order or forward.inner:
            continue
        norms = [norm for norm in forward.norms if norm.identity in own]
        modes = [is_training(norm.mode) for norm in norms]
        trained = forward.trained_on and Known.YES in modes
        misled = any(norm.identity not in frozen for norm in norms)
        if trained or (misled and all(mode is Known.NO for mode in modes)):
            return forward
    return None


def _freezes(switch: ModeSwitched, event: TrackingAssigned) -> bool:
    """Whether a layer is put into eval mode by itself, by the function that sets its flag."""
    here = switch.context.frames == event.context.frames
    return here and switch.training is False and switch.model.is_batch_norm


def _finding(run: Run, event: TrackingAssigned, forward: Forward) -> Finding:
    name, code = forward.model.name, event.site.text
    receiver = code.removesuffix(".track_running_stats")
    edit: Edit | None = None
    if forward.trained_on:
        why = (
            "does not freeze BatchNorm: in train mode it normalises by the batch all the same, and "
            "only stops updating the running statistics, which eval mode then uses; for fixed "
            f"statistics call `{receiver}.eval()`"
        )
        title, does = f"Call `{receiver}.eval()`", "trains here, normalised by each batch"
        if is_dotted_name(receiver) and event.site.statement.text.startswith(code):
            edit = event.site.statement.replace(f"{receiver}.eval()")
    else:
        line = f"{receiver}.running_mean = {receiver}.running_var = None"
        why = (
            "changes nothing in eval mode: since torch 1.6 BatchNorm normalises by the running "
            "statistics as long as it has them; for those of the batch set `running_mean` and "
            "`running_var` to None, too, else leave it out"
        )
        title, does = "Remove the statistics, too", "runs here, normalised by running statistics"
        edit = event.site.insert_after(line) if is_dotted_name(receiver) else None
    return RULE.at(
        event.site,
        f"`{code} = False` {why}",
        evidence=[(forward.site, f"`{name}` {does}")],
        fix=RULE.fixed_by(title, edit),
        likely=is_left_to_others(run, forward.model),
    )
