"""Parts that a model gets after it was put into eval mode, and predicts with in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Layer
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModelBuilt, NormState, Run, Switch, is_training
from bnlint.immutable import immutable


@immutable
class LatePart:
    """A forward of a model in eval mode, with BatchNorm layers that were built since and never switched."""

    forward: Forward
    switch: Switch
    """The last that put the model into eval mode."""
    built: ModelBuilt
    """Where the script builds what holds the first of them."""
    layers: tuple[Layer, ...]


@Pass
def late_parts(run: Run) -> tuple[LatePart, ...]:
    """One for each prediction with such layers."""
    return tuple(_late_parts(run))


def _late_parts(run: Run) -> Iterator[LatePart]:
    for forward in run.of_type(Forward):
        if not _is_prediction(forward) or is_training(forward.mode) is not Known.NO:
            continue
        if any(switch.site is None for switch in forward.mode):
            continue
        switch = max(forward.mode, key=lambda switch: switch.order)
        norms = (norm for norm in forward.norms if _is_late(norm, switch))
        late = tuple(norm.layer for norm in norms if norm.layer is not None)
        built = _building(run, late[0], switch) if late else None
        if built is not None:
            yield LatePart(forward, switch, built, late)


def _is_prediction(forward: Forward) -> bool:
    """Whether what comes out is looked at: where it is not, new statistics may be estimated on purpose."""
    made_up = forward.made_up is Known.YES
    return not forward.inner and not made_up and forward.measured is Known.YES


def _is_late(norm: NormState, switch: Switch) -> bool:
    """Whether a layer is certain to be as it was built, which was after the model was switched."""
    as_built = all(way.site is None and way.order > switch.order for way in norm.mode)
    live = is_training(norm.mode) is Known.YES and norm.tracks is Known.YES
    return norm.is_there and norm.own is None and as_built and live


def _building(run: Run, layer: Layer, switch: Switch) -> ModelBuilt | None:
    """The largest module with a layer that the script builds after a switch."""
    found = [
        event
        for event in run.of_type(ModelBuilt)
        if event.order > switch.order
        and any(norm.identity == layer.identity for norm in event.model.batch_norms)
    ]
    return found[-1] if found else None
