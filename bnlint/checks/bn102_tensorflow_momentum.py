"""BN102 tensorflow-momentum: a momentum that weighs the new batch as if it were the old value."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import is_live, trains_nothing
from bnlint.facts.passes.population_statistics.momentum import (
    MomentumSetting,
    assigned_settings,
    momentum_settings,
    settings_in_run,
)
from bnlint.facts.types.graph import Graphs, Layer
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeSwitched, Run, is_training
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN102",
    "tensorflow-momentum",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(momentum_settings, assigned_settings, settings_in_run),
)

LARGEST_CHOICE = 0.5
"""A momentum of up to this is somebody's choice; tutorials use 0.5 itself."""


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report layers that are built with a momentum above one half, and use it."""
    for setting in momentum_settings(graphs):
        if setting.call is None or setting.frozen:
            continue
        if _is_reversed(setting) or _means_affine(setting):
            yield _finding(setting)


@RULE.on_run
def check_run(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report such momenta that are assigned, and a momentum of 1 in a model that eval mode is for."""
    for setting in assigned_settings(run):
        if _is_reversed(setting) and not _adapts(run):
            yield _finding(setting)
    evaluated = {layer.site for layer in _evaluated_layers(run) if _momentum(layer) == 1}
    for setting in settings_in_run(run) if evaluated else ():
        keeps_last = setting.argument.number == 1 and setting.call is not None
        if keeps_last and any(layer.site in evaluated for layer in setting.layers):
            yield _finding(setting)


def _is_reversed(setting: MomentumSetting) -> bool:
    number = setting.argument.number
    return number is not None and LARGEST_CHOICE < number < 1


def _means_affine(setting: MomentumSetting) -> bool:
    """Whether the third argument is a truth value, as if it were ``affine``."""
    return setting.argument.value is True and setting.argument.positional


def _adapts(run: Run) -> bool:
    """Whether a script that trains nothing runs in train mode, to adapt the statistics to new data."""
    return trains_nothing(run) and any(is_live(f) for f in run.of_type(Forward))


def _evaluated_layers(run: Run) -> Iterator[Layer]:
    """The BatchNorm layers that the program puts, or may put, into eval mode."""
    for event in run.events:
        match event:
            case ModeSwitched() if event.training is not True:
                yield from event.model.batch_norms
            case Forward() if is_training(event.mode) is not Known.YES:
                yield from event.model.batch_norms


def _momentum(layer: Layer) -> float | None:
    argument = layer.arguments.get("momentum")
    return argument.number if argument is not None else None


def _finding(setting: MomentumSetting) -> Finding:
    number = setting.argument.number
    if number is None or number == 1:
        return _last_batch_only(setting)
    return _as_in_tensorflow(setting, number)


def _as_in_tensorflow(setting: MomentumSetting, number: float) -> Finding:
    meant = f"{1 - number:.4g}"
    return RULE.at(
        setting.place,
        f"{_written(setting)} gives the newest batch a weight of {number:g}, so the running"
        " statistics are nearly those of the last batch; PyTorch's counterpart of TensorFlow's"
        f" {number:g} is {meant}",
        layer=_first_name(setting),
        evidence=setting.evidence,
        fix=_fix(setting, meant),
        cause=setting.argument.cause,
    )


def _fix(setting: MomentumSetting, meant: str) -> Fix | None:
    change = setting.rewritten(meant)
    if change is None:
        return None
    title, edit, level = change
    return RULE.fixed_by(title, edit, applicability=level)


def _last_batch_only(setting: MomentumSetting) -> Finding:
    affine_meant = _means_affine(setting)
    reason = " (its third argument is the momentum, and `True` counts as 1)" if affine_meant else ""
    return RULE.at(
        setting.place,
        f"{_written(setting)}{reason} forgets all batches but the last, so evaluation depends on"
        " which batch came last in training; "
        + ("write `affine=True`" if affine_meant else "use the default of 0.1"),
        layer=_first_name(setting),
        evidence=setting.evidence,
        fix=_name_affine(setting) if affine_meant else None,
        cause=setting.argument.cause,
    )


def _name_affine(setting: MomentumSetting) -> Fix | None:
    arguments = setting.layers[0].arguments
    given = any(arguments[n].given for n in ("affine", "track_running_stats") if n in arguments)
    if given or setting.argument.site is None or setting.argument.site.text != "True":
        return None
    return RULE.fixed_by("Write `affine=True`", setting.argument.site.replace("affine=True"))


def _written(setting: MomentumSetting) -> str:
    site, value = setting.argument.site, setting.argument.value
    if site is None or site.is_number or site.text == str(value):
        return f"`momentum={value}`"
    return f"`momentum={site.text}` ({value})"


def _first_name(setting: MomentumSetting) -> str | None:
    return setting.layers[0].name if setting.layers else None
