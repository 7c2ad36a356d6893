"""BN401: an average of weights is used with the running statistics of the last ones that it took up."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.stale_averages import StaleAverage, stale_averages
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.wording.evidence import Proof, in_time
from bnlint.facts.wording.statistics_fix import estimated_before
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN401",
    "swa-without-update-bn",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(stale_averages,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the first use of each average that has no statistics of its own."""
    for entry in stale_averages(run):
        estimation = estimated_before(entry)
        name, use = entry.update.model.name, "run in eval mode"
        old = settings.torch_is_before("2.0")
        whose = (
            "that the network had when it was built, since torch only copies them from version 2.0 on"
            if old
            else "of the last network that it took up, which torch copies since version 2.0"
        )
        if not isinstance(entry.use, Forward):
            use = "saved"
        yield RULE.at(
            entry.place,
            f"`{name}` averages weights and is {use}, but nothing estimates BatchNorm's running "
            f"statistics for the averaged weights: it has those {whose}, and they do not fit; call "
            f"`{estimation.call}` before",
            evidence=_evidence(entry),
            fix=RULE.fixed_by("Estimate its running statistics before", estimation.edit),
        )


def _evidence(entry: StaleAverage) -> list[Proof]:
    name, update, use = entry.update.model.name, entry.update, entry.use
    told = [(update.order, (update.site, f"`{name}` takes up weights here"))]
    if use.site != entry.place:
        told.append((use.order, (use.site, "it is run here, in eval mode")))
    return in_time(told)
