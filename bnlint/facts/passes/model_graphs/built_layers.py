"""The layers of all models by the constructor calls that built them, and those that a call trains."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
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


def is_built_by_name(graphs: Graphs, near: Site, name: str) -> bool:
    """Whether the file of a place builds layers by a bare name, which it then has imported."""
    written = (
        site.text.partition("(")[0] for site in built_layers(graphs) if site.source is near.source
    )
    return name in written


def trained_norm(graph: ModelGraph, call: Call) -> Layer | None:
    """The BatchNorm layer of torch's own that a call certainly runs, unless training keeps it in eval mode."""
    layer = call.layer
    if layer is None or layer.kind is not Kind.BATCH_NORM or layer.own_forward:
        return None
    sure = call.certain and layer.certain
    return layer if sure and layer.name not in graph.frozen_norms else None
