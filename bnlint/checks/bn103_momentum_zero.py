"""BN103 momentum-zero: running statistics that never leave their initial values."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import may_update, norms_in_training
from bnlint.facts.passes.population_statistics.momentum import MomentumSetting, momentum_settings
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import MomentumAssigned
from bnlint.facts.wording.evidence import loader_name
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN103", "momentum-zero", Severity.ERROR, fix=Applicability.SAFE, reads=(momentum_settings,)
)

_LATER = ("affine", "track_running_stats")


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report constructors that set the momentum to 0 or ``False``; assignments may be toggles."""
    for setting in momentum_settings(graphs):
        call, written = setting.call, setting.argument.site
        if call is None or written is None or setting.argument.number != 0:
            continue
        if setting.agreed and not setting.pretrained:
            yield _finding(setting, call, written)


@RULE.on_run
def check_run(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report a momentum of 0 under which batches are run for nothing but the statistics."""
    found = (
        (event, forward)
        for event in run.of_type(MomentumAssigned)
        if event.value.number == 0 and event.value.value is not False
        for forward in run.of_type(Forward)
        if _only_updates(forward) and _holds_for(run, event, forward)
    )
    for event, forward in first_of_each(found, key=lambda entry: entry[0].site):
        yield _of_recalibration(event, forward)


def _only_updates(forward: Forward) -> bool:
    """Whether a loader's batches are run in train mode, and nothing is made of the outputs."""
    if forward.inner or not forward.loaders or not forward.context.certain:
        return False
    no_grad, measured = forward.grad is Known.NO, forward.measured is not Known.NO
    return no_grad and not measured and may_update(forward)


def _holds_for(run: Run, event: MomentumAssigned, forward: Forward) -> bool:
    """Whether layers that are in train mode in a forward still have the momentum of an assignment."""
    live = {norm.layer.site for norm in norms_in_training(forward) if norm.layer is not None}
    if event.order > forward.order or live.isdisjoint(layer.site for layer in event.layers):
        return False
    later = (e for e in run.of_type(MomentumAssigned) if event.order < e.order < forward.order)
    return not any(
        other.value.number != 0 and not live.isdisjoint(layer.site for layer in other.layers)
        for other in later
    )


def _of_recalibration(event: MomentumAssigned, forward: Forward) -> Finding:
    name = forward.model.name
    return RULE.at(
        event.site,
        f"With a momentum of 0 the running statistics stay as they are, so running"
        f" {loader_name(forward.loaders)} through `{name}` for their sake does nothing; set it to"
        " `None` for the average over all these batches",
        evidence=[(forward.site, "the batches are run here, in train mode and without gradients")],
    )


def _finding(setting: MomentumSetting, call: Site, written: Site) -> Finding:
    affine_meant = setting.argument.value is False and setting.argument.positional
    class_name = setting.layers[0].type.rpartition(".")[2]
    what = (
        f"The third argument of `{class_name}` is `momentum`, and `False`, which counts as 0,"
        if affine_meant
        else f"`momentum={written.text}`{_is_nought(written)}"
    )
    return RULE.at(
        written,
        f"{what} never updates the running statistics: they stay 0 and 1, so eval mode does not"
        " normalise;"
        f" {'write `affine=False`' if affine_meant else 'leave `momentum` at its default of 0.1'}",
        layer=setting.layers[0].name,
        evidence=setting.evidence,
        cause=setting.argument.cause,
        fix=_name_affine(setting, call, written) if affine_meant else _fix(setting, call, written),
    )


def _is_nought(written: Site) -> str:
    return "" if written.is_number else ", which is 0,"


def _fix(setting: MomentumSetting, call: Site, written: Site) -> Fix | None:
    arguments = setting.layers[0].arguments
    if written.text not in ("0", "0.", "0.0", "False"):
        change = setting.rewritten("0.1")
        return None if change is None else RULE.fixed_by(*change[:2], applicability=change[2])
    if any(arguments[name].positional for name in _LATER if name in arguments):
        return RULE.fixed_by("Use the default of 0.1", written.replace("0.1"))
    return RULE.fixed_by("Leave `momentum` at its default", call.remove_argument(written))


def _name_affine(setting: MomentumSetting, call: Site, written: Site) -> Fix | None:
    arguments = setting.layers[0].arguments
    if written.text != "False":
        return None
    if any(arguments[name].given for name in _LATER if name in arguments):
        return _fix(setting, call, written)
    return RULE.fixed_by(
        "Write `affine=False`",
        written.replace("affine=False"),
        applicability=Applicability.UNSAFE,
    )
