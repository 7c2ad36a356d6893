"""BatchNorm layers whose weights start at random numbers that were meant for other layers."""

from collections.abc import Iterator

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Graphs, Layer
from bnlint.facts.types.initialisation import DEFAULT, Draw, root_mean_square
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable

SMALL = 0.2
"""A BatchNorm whose weights have this size or less gives a signal that is far too small."""
BY_FANS = frozenset(
    "kaiming_normal kaiming_uniform xavier_normal xavier_uniform orthogonal".split()
)
"""Functions of ``torch.nn.init`` that refuse a weight of one dimension."""


@immutable
class DrawnNorms:
    """Layers whose weights ``draw`` fills at ``place``, and whether it fills nothing else there."""

    place: Site
    draw: Draw
    layers: tuple[Layer, ...]
    alone: bool

    @property
    def raises(self) -> bool:
        """Whether torch refuses to."""
        return self.draw.name in BY_FANS


@Pass
def drawn_norms(graphs: Graphs) -> tuple[DrawnNorms, ...]:
    """Those of all models into which no weights are loaded, by the places that fill them."""
    return tuple(_drawn_norms(graphs))


def _drawn_norms(graphs: Graphs) -> Iterator[DrawnNorms]:
    found: dict[Site, list[Layer]] = {}
    for graph in graphs:
        for layer in () if graph.pretrained or graph.loaded else graph.layers:
            place = layer.filled_at.get("weight")
            if place is not None and layer.drawn not in (None, DEFAULT):
                found.setdefault(place, []).append(layer)
    for place, layers in found.items():
        norms = tuple(layer for layer in layers if layer.kind is Kind.BATCH_NORM)
        draw = norms[0].drawn if norms else None
        if draw is not None and _is_wrong(draw):
            yield DrawnNorms(place, draw, norms, len(norms) == len(layers))


def _is_wrong(draw: Draw) -> bool:
    size = root_mean_square(draw)
    return draw.name in BY_FANS or (size is not None and size <= SMALL)
