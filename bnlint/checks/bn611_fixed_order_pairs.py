"""BN611: the samples of each answer run in a forward of their own, as their place in the code says."""

from collections.abc import Iterator

from bnlint.facts.passes.training_batches.fixed_roles import FixedRoles, fixed_roles
from bnlint.facts.types.run import Run
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN611",
    "fixed-order-pairs",
    Severity.ADVICE,
    default=False,
    in_tests=False,
    reads=(fixed_roles,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the second forward of each pair once."""
    yield from map(_finding, first_of_each(fixed_roles(run), lambda pair: pair.second.site))


def _finding(pair: FixedRoles) -> Finding:
    first, second = pair.first, pair.second
    name = second.model.name
    return RULE.at(
        second.site,
        f"`{name}` gets the samples whose answer is {first.answer:g} and those whose answer is"
        f" {second.answer:g} in separate forwards: in train mode BatchNorm normalises each kind by its"
        " own statistics, which takes away what its samples have in common, or tells which kind it"
        " is; concatenate the two for one forward",
        evidence=[(first.site, f"all samples have the answer {first.answer:g} here")],
    )
