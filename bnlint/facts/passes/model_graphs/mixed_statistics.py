"""BatchNorm layers whose running statistics are a mixture, since one forward calls them on several tensors."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

from bnlint.facts.passes.model_graphs.reuse import CallInputs, Reuse, compare_inputs, reuses
from bnlint.facts.passes.model_graphs.strides import strides_of
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class MixedStatistics:
    """A place in the code that calls BatchNorm layers again in one forward.

    ``repeated`` says that all get the very tensor of the first call again. ``steps`` are the strides
    of the levels of a pyramid of features, if these are what they get, and ``makers`` the calls that
    make such levels.
    """

    graph: ModelGraph
    place: Site
    calls: tuple[Reuse, ...]
    repeated: bool
    steps: tuple[Fraction, ...]
    makers: tuple[Call, ...]

    @property
    def typical(self) -> Reuse:
        """The first that certainly runs, if any does."""
        return next((reuse for reuse in self.calls if reuse.again.certain), self.calls[0])

    @property
    def layers(self) -> int:
        """How many layers are called again."""
        return len({reuse.layer for reuse in self.calls})


@Pass
def mixed_statistics(graphs: Graphs) -> tuple[MixedStatistics, ...]:
    """The places of a program, each once, and on the levels of a pyramid if it is so in some model."""
    found: dict[Site, MixedStatistics] = {}
    for graph in graphs:
        for mixed in _mixed_statistics(graph):
            if mixed.place not in found or (mixed.steps and not found[mixed.place].steps):
                found[mixed.place] = mixed
    return tuple(found.values())


def _mixed_statistics(graph: ModelGraph) -> Iterator[MixedStatistics]:
    """The places that call layers again which keep running statistics, in train mode."""
    places: dict[Site, list[tuple[Reuse, CallInputs]]] = defaultdict(list)
    for reuse in reuses(graph):
        if reuse.place is None or not _keeps_statistics(graph, reuse.layer):
            continue
        inputs = compare_inputs(graph, reuse)
        if _mixes(graph, reuse, inputs):
            places[reuse.place].append((reuse, inputs))
    return (_at(graph, place, found) for place, found in places.items())


def _keeps_statistics(graph: ModelGraph, layer: Layer) -> bool:
    """Without an affine part a BatchNorm decorrelates views, as in Barlow Twins, on purpose."""
    if layer.kind is not Kind.BATCH_NORM or layer.own_forward or layer.name in graph.frozen_norms:
        return False
    given = (layer.arguments.get(name) for name in ("affine", "track_running_stats"))
    return all(argument is None or argument.value is not False for argument in given)


def _mixes(graph: ModelGraph, reuse: Reuse, inputs: CallInputs) -> bool:
    """Whether the calls feed different stages or branches of a computation into the statistics.

    Two inputs of the model (a siamese encoder), parts of one batch and frames of one clip are of
    one kind; what two stems make, or two levels of a feature pyramid, are not.
    """
    if inputs.same or inputs.made_apart or graph.comes_from(reuse.again, reuse.first):
        return True
    if _levels(graph, reuse, inputs):
        return True
    return not (inputs.parts or inputs.raw or inputs.shares_weights)


def _at(
    graph: ModelGraph, place: Site, found: Sequence[tuple[Reuse, CallInputs]]
) -> MixedStatistics:
    of_levels = [(*entry, _levels(graph, *entry)) for entry in found]
    steps = {step for _, _, levels in of_levels for step in levels}
    makers = (call for _, inputs, levels in of_levels if levels for call in _makers(inputs))
    return MixedStatistics(
        graph,
        place,
        tuple(reuse for reuse, _ in found),
        all(inputs.same for _, inputs in found),
        tuple(sorted(steps)),
        tuple(dict.fromkeys(makers)),
    )


def _levels(graph: ModelGraph, reuse: Reuse, inputs: CallInputs) -> tuple[Fraction, ...]:
    """The strides of two levels that a layer is called on, neither of which is made of its output."""
    strides = strides_of(graph)
    first, again = (
        strides[call.inputs[0]] if call.inputs else None for call in (reuse.first, reuse.again)
    )
    if first is None or again is None or first == again or first.source != again.source:
        return ()
    if inputs.raw or graph.comes_from(reuse.again, reuse.first):
        return ()
    return first.step, again.step


def _makers(inputs: CallInputs) -> Iterator[Call]:
    return (call for pair in inputs.differing for call in pair)
