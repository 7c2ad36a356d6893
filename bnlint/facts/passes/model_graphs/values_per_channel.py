"""How many values of one channel each BatchNorm of a model takes its statistics from."""

from collections.abc import Iterator
from math import prod

from bnlint.facts.passes.model_graphs.layout import axes_of, gets_vectors
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.training_batches.batches import norms_over_the_batch
from bnlint.facts.shapes.axes import Axes, Role
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.run import Forward, Run
from bnlint.immutable import immutable


@immutable
class Population:
    """A call of a BatchNorm layer, and the positions that each sample has in one channel.

    ``positions`` are sizes: ``(7, 7)`` of an image, ``()`` of a vector. A batch of N samples has
    N times their product values per channel. ``source`` is the nearest call that reduced them to
    a number that does not depend on the size of the model's input, where there is one.
    """

    layer: Layer
    call: Call
    positions: tuple[int, ...]
    source: Call | None = None

    @property
    def values(self) -> int:
        """Values of one channel in each sample."""
        return prod(self.positions)


@Pass
def populations(graph: ModelGraph) -> tuple[Population, ...]:
    """The certain calls of BatchNorm layers whose positions are known.

    They are where a trace has its sizes from an input that somebody gave, and where the layers
    before leave so many positions of any input.
    """
    return tuple(_populations(graph, axes_of(graph)))


def _populations(graph: ModelGraph, layouts: tuple[Axes, ...]) -> Iterator[Population]:
    for call in graph.calls:
        if call.kind is not Kind.BATCH_NORM or call.layer is None or not call.inputs:
            continue
        if not call.certain or call.layer.own_forward:
            continue
        source = graph.calls[call.inputs[0]]
        positions = _positions(layouts[source.index])
        if positions is None and gets_vectors(call.layer, source, layouts[source.index]):
            positions = ()
        if positions is not None:
            yield Population(call.layer, call, positions, _reduction(graph, layouts, source))
        elif _is_measured(graph, source, layouts[source.index]):
            yield Population(call.layer, call, (source.shape.sizes or ())[2:])


def trained_populations(run: Run, forward: Forward) -> list[Population]:
    """Those of a training forward's BatchNorm layers that normalise by the batch of one device.

    A trace goes one way through each condition; layers that the code calls only under a condition
    (a batch that is large enough) are left out.
    """
    graph, read = run.graph_of(forward.model), run.read.get(forward.model.identity)
    if graph is None:
        return []
    names = {norm.name for norm in norms_over_the_batch(forward) if norm.layer is not None}
    for call in read.calls if read is not None else ():
        if call.layer is not None and not call.certain:
            names.discard(call.layer.name)
    return [one for one in populations(graph) if one.layer.certain and one.layer.name in names]


def fewest(run: Run, forward: Forward) -> Population | None:
    """The layer of a training forward that has the fewest values of a channel in each sample.

    It is known where all are, and where one has a single value: none has fewer.
    """
    found = trained_populations(run, forward)
    least = min(found, key=lambda population: population.values, default=None)
    if least is None or least.values == 1:
        return least
    names = {norm.name for norm in norms_over_the_batch(forward)}
    return least if names <= {population.layer.name for population in found} else None


def _positions(axes: Axes) -> tuple[int, ...] | None:
    """The sizes of all dimensions but the samples and dimension 1."""
    others = (*axes.known[:1], *axes.known[2:])
    sizes = [axis.size for axis in others if axis.role is not Role.SAMPLES]
    if not axes.whole or len(axes.known) < 2 or len(sizes) != len(others) - 1:
        return None
    known = tuple(size for size in sizes if size is not None)
    return known if len(known) == len(sizes) else None


def _is_measured(graph: ModelGraph, source: Call, axes: Axes) -> bool:
    """Whether a given input's trace tells the sizes, and dimension 0 still counts its samples."""
    sizes = source.shape.sizes
    return (
        not graph.guessed_input
        and sizes is not None
        and len(sizes) > 1
        and axes.first.role is Role.SAMPLES
    )


def _reduction(graph: ModelGraph, layouts: tuple[Axes, ...], call: Call) -> Call | None:
    """The latest call before ``call`` whose own input had positions that are not known."""
    while call.inputs:
        before = graph.calls[call.inputs[0]]
        if _positions(layouts[before.index]) is None:
            return call
        call = before
    return None
