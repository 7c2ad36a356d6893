"""BN605: BatchNorm counts the padding of sequences as data."""

from collections.abc import Iterator
from itertools import chain

from bnlint.facts.passes.model_graphs.padding import padded_statistics
from bnlint.facts.types.graph import Graphs
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule(
    "BN605", "padding-in-statistics", Severity.ADVICE, in_tests=False, reads=(padded_statistics,)
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place that pads sequences which BatchNorm normalises."""
    found = chain.from_iterable(padded_statistics(graph) for graph in graphs)
    for entry in first_of_each(found, lambda entry: entry.padding.site):
        more = len(entry.layers) - 1
        others = f" (and {more} more)" if more else ""
        if entry.padding.site is not None:
            yield RULE.at(
                entry.padding.site,
                f"{in_words(entry.layers[0])}{others} takes its statistics from sequences that are padded here, so that they "
                "count the padding and change with the lengths in a batch; normalise the steps within the "
                "lengths alone (`x[mask]`, or `.data` of a packed sequence), or use LayerNorm",
                layer=entry.layers[0].name,
                evidence=[(entry.layers[0].site, "the BatchNorm layer is built here")],
            )
