"""BN904: a hand-written BatchNorm averages variances that are too small."""

import math
from collections.abc import Iterator

from bnlint.facts.passes.training_batches.batches import (
    TrainedBatch,
    norms_over_the_batch,
    trained_batches,
)
from bnlint.facts.types.hand_written import HandWritten, RunningStatistic
from bnlint.facts.types.run import Run
from bnlint.finding import Finding, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN904",
    "biased-running-variance",
    Severity.ADVICE,
    default=False,
    in_tests=False,
    reads=(trained_batches,),
)

ENOUGH = 64
"""With so many samples the variance is less than 2 % too small."""


@immutable
class _Biased:
    """Such a running variance, and the training that moves it."""

    batch: TrainedBatch
    layer: HandWritten
    variance: RunningStatistic


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each update of a running variance that small batches make too small."""
    for biased in first_of_each(_biased(run), lambda one: one.variance.update):
        yield _finding(biased)


def _biased(run: Run) -> Iterator[_Biased]:
    for batch in trained_batches(run):
        if not 1 < batch.per_device < ENOUGH:
            continue
        for norm in norms_over_the_batch(batch.forward):
            for statistic in norm.own.statistics if norm.own is not None else ():
                if norm.own is not None and statistic.biased is not None:
                    yield _Biased(batch, norm.own, statistic)


def _finding(biased: _Biased) -> Finding:
    size, name = biased.batch.per_device, biased.variance.name
    missing, too_large = 100 / size, 100 * (math.sqrt(size / (size - 1)) - 1)
    evidence = [*biased.batch.evidence()]
    if biased.variance.biased is not None:
        evidence.insert(0, (biased.variance.biased, "the variance is computed here"))
    return RULE.at(
        biased.variance.update,
        f"`{name}` of `{biased.layer.class_name}` averages variances that are divided by n: with"
        f" {biased.batch.described} it is {missing:.3g} % too small, and outputs in eval mode are"
        f" {too_large:.2g} % too large; store the variance times n / (n - 1), as torch does",
        evidence=evidence,
    )
