"""BN601: one step of training normalises batches of different data by their own statistics."""

from collections.abc import Iterator

from bnlint.facts.passes.training_batches.domains import SeparateDomains, separate_domains
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import loader_name
from bnlint.facts.wording.joined_forwards import joined
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN601",
    "domains-in-separate-forwards",
    Severity.WARNING,
    fix=Applicability.DISPLAY,
    reads=(separate_domains,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the second forward of each pair, once for all that go with the same first one."""
    for pair in first_of_each(separate_domains(run), lambda pair: pair.second.site):
        first, second = pair.first, pair.second
        yield RULE.at(
            second.site,
            f"`{second.model.name}` gets batches of {_names(pair)} in separate forwards of one step: its BatchNorm "
            "layers normalise each by its own statistics in training, and both by one mixture in eval mode; "
            "concatenate the batches for one forward, or give each kind of data BatchNorm layers of its own",
            evidence=[(first.site, f"batches of {loader_name(first.loaders)} run here")],
            fix=RULE.fixed_by("Run both batches in one forward", *joined(first, second)),
            cause=f"{first.site.path}:{first.site.span.start}",
        )


def _names(pair: SeparateDomains) -> str:
    first, second = loader_name(pair.first.loaders), loader_name(pair.second.loaders)
    return f"{first} and {second}" if first != second else "two loaders"
