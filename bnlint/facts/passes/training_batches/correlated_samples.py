"""Batches whose samples hang together: regions of an image, parts of one sample."""

from bnlint.facts.passes.forwards import norms_in_training
from bnlint.facts.passes.model_graphs.built_layers import trained_norm
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.population_statistics.repeated_forwards import repeated_forwards
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class NormalisedRegions:
    """BatchNorm layers that normalise all regions of a few images as one batch.

    ``layers`` are in the order of their calls, ``regions`` is the call that cuts them out.
    """

    regions: Call
    layers: tuple[Layer, ...]


@Pass
def normalised_regions(graph: ModelGraph) -> tuple[NormalisedRegions, ...]:
    """Those of a model whose layers train on the batch of one device."""
    cut = [call for call in graph.calls if call.kind is Kind.REGIONS and call.certain]
    norms = [call for call in graph.calls if _is_local(graph, call)]
    found = []
    for regions in cut:
        behind = (call.layer for call in norms if graph.comes_from(call, regions))
        layers = tuple(dict.fromkeys(layer for layer in behind if layer is not None))
        if layers:
            found.append(NormalisedRegions(regions, layers))
    return tuple(found)


def _is_local(graph: ModelGraph, call: Call) -> bool:
    layer = trained_norm(graph, call)
    return layer is not None and not layer.type.endswith("SyncBatchNorm")


@immutable
class PartsOfOneSample:
    """A forward that trains on a batch of parts of one sample, taken by ``loop`` from the loader's batch."""

    forward: Forward
    loop: Site


@Pass
def parts_of_one_sample(run: Run) -> tuple[PartsOfOneSample, ...]:
    """Those whose BatchNorm layers normalise by the batch of one device."""
    return tuple(
        PartsOfOneSample(entry.forward, entry.loop)
        for entry in repeated_forwards(run)
        if entry.loop is not None and entry.forward.of_one_sample
        if any(n.synchronised is Known.NO for n in norms_in_training(entry.forward))
    )
