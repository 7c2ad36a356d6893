"""BN402: an average of weights is evaluated with running statistics that nothing averages."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.federated_averages import federated_averages
from bnlint.facts.passes.population_statistics.stale_statistics import stale_statistics
from bnlint.facts.types.run import Run
from bnlint.facts.wording.buffer_copy import buffers_copied, how_they_stay_behind
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN402",
    "weight-average-ignores-buffers",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(federated_averages, stale_statistics),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the loop that averages parameters alone, for each network that is evaluated."""
    federated = {average.forward.model.key for average in federated_averages(run)}
    for entry in stale_statistics(run):
        if entry.in_step or entry.forward.model.key in federated:
            continue
        copied = buffers_copied(entry)
        name = copied.target
        yield RULE.at(
            entry.loop,
            f"Only parameters are averaged here, so the BatchNorm layers of `{name}` keep the "
            f"running statistics that they began with: in eval mode `{name}` normalises by "
            f"numbers that do not fit its weights; {copied.advice}",
            evidence=how_they_stay_behind(run, entry),
            fix=RULE.fixed_by("Copy the buffers, too", copied.edit),
        )
