"""Batches of sequences that a loader pads to one length, up to the BatchNorm layers that are trained on them."""

from bnlint.facts.passes.forwards import norms_in_training, trains
from bnlint.facts.passes.model_graphs.padding import norms_over_steps
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Layer
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class PaddedBatch:
    """A forward whose input is padded at a place, and the layers that count the padding."""

    forward: Forward
    padding: Site
    layers: tuple[Layer, ...]


@Pass
def padded_batches(run: Run) -> tuple[PaddedBatch, ...]:
    """Those that something is trained on; one sample alone needs no padding."""
    return tuple(
        PaddedBatch(forward, forward.padded_at, layers)
        for forward in run.of_type(Forward)
        if forward.padded_at is not None and trains(forward) and not _is_single(forward)
        if (layers := _counting(run, forward))
    )


def _is_single(forward: Forward) -> bool:
    return forward.batch is not None and forward.batch.number == 1


def _counting(run: Run, forward: Forward) -> tuple[Layer, ...]:
    graph = run.graph_of(forward.model)
    trained = {norm.layer.site for norm in norms_in_training(forward) if norm.layer is not None}
    layers = norms_over_steps(graph) if graph is not None else ()
    return tuple(layer for layer in layers if layer.site in trained)
