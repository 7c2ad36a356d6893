"""BN605: BatchNorm counts the padding of sequences as data."""

from collections.abc import Iterator, Sequence
from itertools import chain

from bnlint.facts.passes.model_graphs.padding import padded_statistics
from bnlint.facts.passes.training_batches.padded_batches import padded_batches
from bnlint.facts.types.graph import Graphs, Layer
from bnlint.facts.types.run import Run
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN605",
    "padding-in-statistics",
    Severity.ADVICE,
    in_tests=False,
    reads=(padded_statistics, padded_batches),
)


ADVICE = (
    "so that they count the padding and change with the lengths in a batch; normalise the steps within the "
    "lengths alone (`x[mask]`, or `.data` of a packed sequence), or use LayerNorm"
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place that pads sequences which BatchNorm normalises."""
    found = chain.from_iterable(padded_statistics(graph) for graph in graphs)
    for entry in first_of_each(found, lambda entry: entry.padding.site):
        if entry.padding.site is not None:
            yield RULE.at(
                entry.padding.site,
                f"{_named(entry.layers)} takes its statistics from sequences that are padded here, {ADVICE}",
                layer=entry.layers[0].name,
                evidence=[(entry.layers[0].site, "the BatchNorm layer is built here")],
            )


@RULE.on_run
def check_loaders(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place of a ``collate_fn`` that pads sequences which BatchNorm is trained on."""
    for entry in first_of_each(padded_batches(run), lambda entry: entry.padding):
        yield RULE.at(
            entry.padding,
            f"{_named(entry.layers)} takes its statistics from the sequences that are padded here, {ADVICE}",
            layer=entry.layers[0].name,
            evidence=[
                (entry.layers[0].site, "the BatchNorm layer is built here"),
                (
                    entry.forward.site,
                    f"`{entry.forward.model.name}` trains on the padded batches here",
                ),
            ],
        )


def _named(layers: Sequence[Layer]) -> str:
    more = len(layers) - 1
    return in_words(layers[0]) + (f" (and {more} more)" if more else "")
