"""BN612: BatchNorm tells which key of a contrastive loss comes from the batch of the query."""

from collections.abc import Iterator

from bnlint.facts.passes.training_batches.contrastive_keys import contrastive_keys
from bnlint.facts.types.run import Run
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN612",
    "contrastive-local-batchnorm",
    Severity.ADVICE,
    in_tests=False,
    reads=(contrastive_keys,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each forward that makes such keys."""
    for keys in first_of_each(contrastive_keys(run), lambda keys: keys.forward.site):
        name = keys.forward.receiver or keys.forward.model.name
        yield RULE.at(
            keys.forward.site,
            f"`{name}` normalises the keys by the statistics of the same images as the queries' batch, but the negatives in "
            f"`{keys.queue.name}` come from other batches, so that a query can tell its own key by the statistics that they "
            "share; shuffle the images among devices or smaller batches for the keys, or use GroupNorm in both networks",
        )
