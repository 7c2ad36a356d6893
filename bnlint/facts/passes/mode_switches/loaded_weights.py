"""Weights that are loaded into a model, or into one that it is a part of."""

from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.weight_events import WeightsLoaded


def loads_before(run: Run, forward: Forward) -> list[WeightsLoaded]:
    """Where weights are loaded that a forward runs with, in order."""
    own = {norm.identity for norm in forward.norms}
    return [
        event
        for event in run.of_type(WeightsLoaded)
        if event.order < forward.order
        and (
            event.model.is_same(forward.model)
            or (own and own.issubset(layer.identity for layer in event.model.batch_norms))
        )
    ]
