"""Running statistics of hand-written layers, by the places that have to do with them."""

from collections.abc import Callable, Iterator, Sequence

from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import HandWritten, RunningStatistic
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class Together:
    """The running statistics of one layer to which the same place belongs."""

    site: Site
    layer: HandWritten
    statistics: Sequence[RunningStatistic]


def by_place(
    graphs: Graphs,
    is_wanted: Callable[[HandWritten, RunningStatistic], bool],
    place: Callable[[RunningStatistic], Site],
) -> Iterator[Together]:
    """The statistics of all models that are wanted, those of one place and layer together, each once."""
    found: dict[Site, tuple[HandWritten, dict[str, RunningStatistic]]] = {}
    for layer in (layer for graph in graphs for layer in graph.hand_written):
        for statistic in layer.statistics:
            if is_wanted(layer, statistic):
                _, named = found.setdefault(place(statistic), (layer, {}))
                named.setdefault(statistic.name, statistic)
    for site, (layer, named) in found.items():
        yield Together(site, layer, list(named.values()))
