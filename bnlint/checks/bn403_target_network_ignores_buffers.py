"""BN403: a target network follows by its parameters, and its running statistics stay behind."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.stale_statistics import stale_statistics
from bnlint.facts.types.run import Run
from bnlint.facts.wording.buffer_copy import buffers_copied, how_they_stay_behind
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN403",
    "target-network-ignores-buffers",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(stale_statistics,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the loop that updates a target's parameters alone, for each target."""
    for entry in stale_statistics(run):
        if not entry.in_step:
            continue
        copied = buffers_copied(entry)
        name = copied.target
        yield RULE.at(
            entry.loop,
            f"`{name}` follows by its parameters only: its BatchNorm layers keep the running "
            "statistics that they began with, and the targets that it gives in eval mode are "
            f"those of another network; {copied.advice}",
            evidence=how_they_stay_behind(run, entry),
            fix=RULE.fixed_by("Copy the buffers, too", copied.edit),
        )
