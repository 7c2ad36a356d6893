"""BN604: a discriminator normalises real and generated batches each by their own statistics."""

from collections.abc import Iterator

from bnlint.facts.passes.training_batches.generated_samples import (
    RealAndGenerated,
    real_and_generated,
)
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import in_time
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN604",
    "real-and-fake-statistics",
    Severity.ADVICE,
    default=False,
    in_tests=False,
    reads=(real_and_generated,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each forward of generated samples once."""
    yield from map(_finding, first_of_each(real_and_generated(run), lambda e: e.generated.site))


def _finding(entry: RealAndGenerated) -> Finding:
    real, generated, maker = entry.real, entry.generated, entry.maker
    name = generated.model.name
    told = [
        (real.order, (real.site, "real samples run here")),
        (maker.order, (maker.site, f"`{maker.model.name}` makes the others")),
    ]
    return RULE.at(
        generated.site,
        f"`{name}` gets real and generated batches in separate forwards: in train mode its BatchNorm layers "
        "normalise each by its own statistics, which takes away how the two differ in mean and spread, in every "
        "layer; use spectral normalization or LayerNorm in it instead",
        evidence=in_time(told),
    )
