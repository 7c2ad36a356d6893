"""BN216 layer-never-called: a layer that is built, and that no forward calls."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.built_layers import built_layers, layers_by_site
from bnlint.facts.types.graph import Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import NORMALIZATIONS, WEIGHTED, Kind
from bnlint.facts.types.site import Site
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN216", "layer-never-called", Severity.ADVICE, reads=(built_layers,))


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report constructor calls of which no layer is called, in models that were traced."""
    silent = {graph: frozenset(graph.never_called) for graph in graphs}
    if not any(silent.values()):
        return
    for site, built in layers_by_site(graphs, *WEIGHTED, *NORMALIZATIONS).items():
        if all(layer.name in silent[graph] for graph, layer in built):
            graph, layer = built[0]
            yield _finding(site, graph, layer, len(built))


def _finding(site: Site, graph: ModelGraph, layer: Layer, number: int) -> Finding:
    more = f" (and {number - 1} more from this line)" if number > 1 else ""
    what = "its parameters never get a gradient"
    if layer.kind is Kind.BATCH_NORM:
        what = "its statistics stay at 0 and 1 and its parameters never get a gradient"
    return RULE.at(
        site,
        f"`{layer.name}`{more} is built, but the forward of `{graph.name}` calls it neither in train"
        f" nor in eval mode: {what}; call it, or leave it out",
        layer=layer.name,
    )
