"""BN613: BatchNorm normalises samples of one image or series as one batch."""

from collections.abc import Iterator
from itertools import chain

from bnlint.facts.passes.training_batches.correlated_samples import (
    NormalisedRegions,
    normalised_regions,
    parts_of_one_sample,
)
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.run import Run
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN613",
    "correlated-batch",
    Severity.ADVICE,
    in_tests=False,
    reads=(normalised_regions, parts_of_one_sample),
)


@RULE.on_graphs
def check_regions(graphs: Graphs) -> Iterator[Finding]:
    """Report each call that cuts out regions which BatchNorm normalises."""
    found = chain.from_iterable(normalised_regions(graph) for graph in graphs)
    for entry in first_of_each(found, lambda entry: entry.regions.site):
        if entry.regions.site is not None:
            yield RULE.at(
                entry.regions.site,
                f"{_named(entry)} a batch of regions that come from the same few images, so that what it makes of a region "
                "depends in training on the others of its image, and in eval mode on none; use GroupNorm or "
                "SyncBatchNorm behind it, or frozen statistics",
                layer=entry.layers[0].name,
                evidence=[(entry.layers[0].site, "the BatchNorm layer is built here")],
            )


def _named(entry: NormalisedRegions) -> str:
    more = len(entry.layers) - 1
    others = f" (and {more} more)" if more else ""
    return f"{in_words(entry.layers[0])}{others} normalises"


@RULE.on_run
def check_parts(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each forward of the parts of one sample."""
    for entry in first_of_each(parts_of_one_sample(run), lambda entry: entry.forward.site):
        name = entry.forward.model.name
        yield RULE.at(
            entry.forward.site,
            f"The batch of `{name}` consists of parts of one sample: BatchNorm normalises them by statistics of that sample, "
            "which eval mode does not have, and a part is told by the others; mix parts of several samples in a batch",
            evidence=[(entry.loop, "each pass of this loop takes one sample")],
        )
