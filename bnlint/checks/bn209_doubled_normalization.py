"""BN209 doubled-normalization: what a BatchNorm has normalised is normalised again at once."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import NORMALIZATIONS, Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN209", "doubled-normalization", Severity.ADVICE, default=False)

_PER_CHANNEL = (Kind.BATCH_NORM, Kind.INSTANCE_NORM)
"""Norms that give each channel a scale and a mean of its own, whatever it had."""


@immutable
class _Doubled:
    """A BatchNorm and the norm that alone gets its output."""

    first: Layer
    second: Layer
    call: Call


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each BatchNorm whose output only another norm gets, unchanged."""
    found = (doubled for graph in graphs for doubled in _doubled(graph))
    for doubled in first_of_each(found, lambda one: (one.first.site, one.second.site)):
        yield _finding(doubled)


def _doubled(graph: ModelGraph) -> Iterator[_Doubled]:
    for call in graph.calls:
        second, before = call.layer, _before(graph, call)
        if second is None or before is None or before.layer is None:
            continue
        if call.kind in NORMALIZATIONS and before.kind is Kind.BATCH_NORM:
            yield _Doubled(before.layer, second, call)


def _before(graph: ModelGraph, call: Call) -> Call | None:
    """The operation whose values a call gets, if nothing else does."""
    while call.inputs:
        call = graph.calls[call.inputs[0]]
        if len(graph.users_of(call)) != 1 or call.index in graph.outputs:
            return None
        if call.kind is not Kind.PASS:
            return call
    return None


def _finding(doubled: _Doubled) -> Finding:
    first, second = doubled.first, doubled.second
    if doubled.call.kind in _PER_CHANNEL:
        effect = (
            "which gives each channel a mean and a scale of its own, so that the weight, the bias and the statistics of"
            f" {in_words(first)} change nothing but signs"
        )
    else:
        effect = "so that the values of each sample are normalised twice"
    return RULE.at(
        second.site,
        f"{in_words(second)} normalises what {in_words(first)} has just normalised, {effect}; leave one of them out",
        layer=second.name,
        evidence=_evidence(first.site, second.site),
    )


def _evidence(first: Site, second: Site) -> list[tuple[Site, str]]:
    return [(first, "the first one is built here")] if first != second else []
