"""BN410: a model is evaluated before the running statistics have forgotten what they began with."""

from collections.abc import Iterator
from math import ceil, log

from bnlint.facts.passes.population_statistics.young_statistics import (
    SHARE,
    YoungStatistics,
    young_statistics,
)
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import Proof
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN410", "statistics-too-young", Severity.ADVICE, in_tests=False, reads=(young_statistics,)
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the last evaluation of each model that is trained for so few steps."""
    for young in first_of_each(young_statistics(run), lambda young: young.evaluated.site):
        yield _finding(young)


def _finding(young: YoungStatistics) -> Finding:
    name, momentum = young.evaluated.model.name, young.momentum
    needed = ceil(log(SHARE) / log(1 - momentum))
    times = "once" if young.updates == 1 else f"at most {young.updates} times"
    return RULE.at(
        young.evaluated.site,
        f"`{name}` is evaluated when BatchNorm's running statistics have been updated {times}, so that at "
        f"least {young.share:.0%} of each is still the 0 or 1 that it began with (with `momentum={momentum:g}` it takes "
        f"{needed} updates to get below {SHARE:.0%}); train longer, or call `update_bn` before",
        evidence=list(_evidence(young)),
    )


def _evidence(young: YoungStatistics) -> Iterator[Proof]:
    trained = young.trained
    for loop in trained.context.loops:
        yield loop.site, f"this loop has at most {loop.passes} passes"
    yield trained.site, f"`{trained.model.name}` is trained here"
