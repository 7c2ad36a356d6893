"""BN104 momentum-out-of-range: a momentum that is no weight."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.momentum import (
    MomentumSetting,
    assigned_settings,
    momentum_settings,
)
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.run import Run
from bnlint.facts.types.signal import in_digits
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN104", "momentum-out-of-range", Severity.ERROR, reads=(momentum_settings, assigned_settings)
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report layers whose momentum is not between 0 and 1."""
    for setting in momentum_settings(graphs):
        yield from _judge(setting)


@RULE.on_run
def check_assignments(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report assignments to the momentum of layers in no known model."""
    for setting in assigned_settings(run):
        yield from _judge(setting)


def _judge(setting: MomentumSetting) -> Iterator[Finding]:
    value, number = setting.argument.value, setting.argument.number
    if isinstance(value, str):
        what = f"`momentum` is the string {value!r}, which raises at the first batch"
    elif number is not None and not 0 <= number <= 1:
        what = (
            f"`momentum={in_digits(number, 4)}` is not between 0 and 1, so the running variance can"
            " become negative, which is NaN in eval mode, or grow without bound"
        )
    else:
        return
    layer = setting.layers[0].name if setting.layers else None
    yield RULE.at(
        setting.place,
        f"{what}; it is the weight of the new batch, 0.1 by default",
        layer=layer,
        evidence=setting.evidence,
        cause=setting.argument.cause,
    )
