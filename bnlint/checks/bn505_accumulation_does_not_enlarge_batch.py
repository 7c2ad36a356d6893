"""BN505: gradients of small batches are added up, which BatchNorm does not notice."""

from collections.abc import Iterator

from bnlint.facts.passes.training_batches.accumulation import Accumulation, accumulations
from bnlint.facts.passes.training_batches.batches import suffers
from bnlint.facts.types.run import Run
from bnlint.finding import Finding, Severity
from bnlint.rule import Holds, Rule, Settings, first_of_each

RULE = Rule(
    "BN505",
    "accumulation-does-not-enlarge-batch",
    Severity.ADVICE,
    in_tests=False,
    holds=Holds.ON_ALL_RUNS,
    reads=(accumulations,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each condition that steps of the optimizer wait for once."""
    enough = settings.min_normalization_batch
    found = (one for one in accumulations(run) if _is_small(one, enough))
    for one in first_of_each(found, key=lambda one: one.condition.site):
        yield _finding(one)


def _is_small(found: Accumulation, enough: int) -> bool:
    size = found.batch.per_device
    return size < enough and suffers(found.batch.forward, size)


def _finding(found: Accumulation) -> Finding:
    batch = found.batch
    samples = "1 sample" if batch.per_device == 1 else f"the {batch.per_device} samples"
    return RULE.at(
        found.condition.site,
        f"Each step adds up the gradients of {found.number} {batch.described}, but BatchNorm in"
        f" `{batch.forward.model.name}` normalises {samples} of each by themselves, and updates its"
        f" running statistics {found.number} times: to it the batch stays that small; use GroupNorm,"
        " or larger batches",
        evidence=[*batch.evidence()],
    )
