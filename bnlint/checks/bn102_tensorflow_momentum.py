"""BN102 tensorflow-momentum: a momentum that weighs the new batch as if it were the old value."""

from collections.abc import Iterator, Sequence

from bnlint.facts.graph import ModelGraph
from bnlint.facts.momentum import MomentumSetting, assigned_settings, momentum_settings
from bnlint.facts.run import Run
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings

RULE = Rule("BN102", "tensorflow-momentum", Severity.WARNING, fix=Applicability.SAFE)

LARGEST_CHOICE = 0.5
"""A momentum of up to this is somebody's choice; tutorials use 0.5 itself."""


@RULE.on_graphs
def check(graphs: Sequence[ModelGraph]) -> Iterator[Finding]:
    """Report layers whose momentum is above one half."""
    for setting in momentum_settings(graphs):
        yield from _judge(setting)


@RULE.on_run
def check_assignments(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report assignments to the momentum of layers in no known model."""
    for setting in assigned_settings(run):
        yield from _judge(setting)


def _judge(setting: MomentumSetting) -> Iterator[Finding]:
    number = setting.argument.number
    if number is None:
        return
    if LARGEST_CHOICE < number < 1:
        yield _as_in_tensorflow(setting, number)
    elif number == 1 and setting.call is not None:
        yield _last_batch_only(setting)


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
    argument = setting.argument
    affine_meant = argument.value is True and argument.positional
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
