"""BN105 cumulative-momentum-in-training: statistics that weigh the first batch like the last one."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, training_forwards
from bnlint.facts.passes.population_statistics.momentum import MomentumSetting, settings_in_run
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.weight_events import StatisticsEstimated, StatisticsReset
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN105",
    "cumulative-momentum-in-training",
    Severity.ADVICE,
    fix=Applicability.SAFE,
    default=False,
    in_tests=False,
    reads=(settings_in_run, training_forwards),
)

_LATER = ("affine", "track_running_stats")


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report layers that are built with ``momentum=None`` and trained from the start."""
    for setting in settings_in_run(run):
        if setting.argument.value is not None or setting.call is None or setting.pretrained:
            continue
        forward = _training(run, setting)
        if forward is not None and not _is_estimated_anew(run, setting):
            yield _finding(setting, forward)


def _training(run: Run, setting: MomentumSetting) -> Forward | None:
    """A step of training in which one of the layers is in train mode."""
    sites = {layer.site for layer in setting.layers}
    for forward in training_forwards(run):
        live = {norm.layer.site for norm in norms_in_training(forward) if norm.layer is not None}
        if forward.trained_on and not sites.isdisjoint(live):
            return forward
    return None


def _is_estimated_anew(run: Run, setting: MomentumSetting) -> bool:
    """Whether the program resets the statistics of such a layer, by hand or to estimate them."""
    sites = {layer.site for layer in setting.layers}
    for event in run.events:
        match event:
            case StatisticsReset() if event.layer.site in sites:
                return True
            case StatisticsEstimated() if not sites.isdisjoint(
                layer.site for layer in event.model.batch_norms
            ):
                return True
    return False


def _finding(setting: MomentumSetting, forward: Forward) -> Finding:
    written = setting.argument.site
    others = len(setting.layers) - 1
    more = f" and {others} more" if others else ""
    return RULE.at(
        setting.place,
        f"`momentum=None` makes the running statistics of {in_words(setting.layers[0])}{more} the mean over all batches"
        " since the start, those of the untrained network included, so evaluation lags behind the weights; leave"
        " `momentum` at its default, or reset the statistics before the last epoch",
        layer=setting.layers[0].name,
        evidence=[*setting.evidence, (forward.site, "it is trained here")],
        fix=None if written is None or not setting.agreed else _fix(setting),
    )


def _fix(setting: MomentumSetting) -> Fix | None:
    arguments = setting.layers[0].arguments
    written, call = setting.argument.site, setting.call
    if written is None or call is None or written.text != "None":
        return None
    if any(arguments[name].positional for name in _LATER if name in arguments):
        return RULE.fixed_by("Use the default of 0.1", written.replace("0.1"))
    return RULE.fixed_by("Leave `momentum` at its default", call.remove_argument(written))
