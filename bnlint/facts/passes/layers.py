"""The layers of all models, by the constructor calls that built them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site

Built = tuple[ModelGraph, Layer]
"""A layer, with its model."""


@Pass
def built_layers(graphs: Graphs) -> Mapping[Site, Sequence[Built]]:
    """All layers by the constructor call that built them, each with its model."""
    found: dict[Site, list[Built]] = defaultdict(list)
    for graph in graphs:
        for layer in graph.layers:
            found[layer.site].append((graph, layer))
    return dict(found)


def layers_by_site(graphs: Graphs, *kinds: Kind) -> dict[Site, list[Built]]:
    """Those of some kinds; places that built none are left out."""
    chosen = {
        site: [(graph, layer) for graph, layer in built if layer.kind in kinds]
        for site, built in built_layers(graphs).items()
    }
    return {site: built for site, built in chosen.items() if built}
