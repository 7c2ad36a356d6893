"""BN213 batchnorm-in-recurrence: one BatchNorm normalises each step of a recurrent network apart."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.built_layers import trained_norm
from bnlint.facts.passes.model_graphs.mixed_statistics import mixed_statistics
from bnlint.facts.passes.model_graphs.reuse import Reuse, reuses
from bnlint.facts.types.graph import Call, Graphs, ModelGraph
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule(
    "BN213",
    "batchnorm-in-recurrence",
    Severity.ADVICE,
    default=False,
    reads=(reuses, mixed_statistics),
)

_COMBINES = frozenset({*WEIGHTED, Kind.RECURRENT, Kind.MATMUL})


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each BatchNorm that the loop over the steps calls, but for those of BN206."""
    told = {mixed.place for mixed in mixed_statistics(graphs)}
    found = ((reuse, loop) for graph in graphs for reuse, loop in _in_recurrences(graph))
    for reuse, loop in first_of_each(found, lambda entry: entry[0].layer.site):
        if reuse.place is not None and reuse.place not in told:
            yield _finding(reuse, reuse.place, loop)


def _in_recurrences(graph: ModelGraph) -> Iterator[tuple[Reuse, Site]]:
    for reuse in reuses(graph):
        loop = reuse.loop
        if loop is None or trained_norm(graph, reuse.again) is None:
            continue
        if any(_joins(graph, call, reuse, loop) for call in graph.calls[reuse.again.index :]):
            yield reuse, loop


def _joins(graph: ModelGraph, call: Call, reuse: Reuse, loop: Site) -> bool:
    """Whether weights combine, within the loop, what an earlier step and what this one left."""
    if call.kind not in _COMBINES or all(site != loop for site, _ in call.loops):
        return False
    return graph.comes_from(call, reuse.first) and graph.comes_from(call, reuse.again)


def _finding(reuse: Reuse, place: Site, loop: Site) -> Finding:
    return RULE.at(
        place,
        f"{in_words(reuse.layer)} normalises each step of a recurrence by itself in training, and all steps by the same"
        " running statistics in eval mode: what the steps differ by is lost in the one and kept in the other; normalise"
        " all steps together before the loop, or use LayerNorm",
        layer=reuse.layer.name,
        evidence=[(loop, "the steps are these")],
    )
