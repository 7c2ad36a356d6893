"""Running statistics that few batches have updated before the last evaluation which uses them."""

from collections.abc import Iterable
from math import prod

from bnlint.facts.passes.forwards import given_statistics, relies_on_running_statistics, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.context import Frame
from bnlint.facts.types.graph import Layer
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Event, Forward, NormState, OptimizerStep, Run, is_training
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import MomentumAssigned
from bnlint.immutable import immutable

SHARE = 0.1
"""How much of a running statistic may be what it began with."""


@immutable
class YoungStatistics:
    """The last evaluation of a model, whose ``layer`` at most ``updates`` batches have updated.

    ``share`` is how much of its statistics is what they began with, at least: ``(1 - momentum) ** updates``.
    ``trained`` is one of the steps that update them.
    """

    evaluated: Forward
    trained: Forward
    layer: Layer
    momentum: float
    updates: int
    share: float


@Pass
def young_statistics(run: Run) -> tuple[YoungStatistics, ...]:
    """Those of the models that a script builds anew and trains for a known number of steps."""
    if not run.main or not run.complete or _is_repeated_by_optimizers(run):
        return ()
    found = (_of_last_evaluation(run, forward) for forward in _last_evaluations(run))
    return tuple(young for young in found if young is not None)


def _is_repeated_by_optimizers(run: Run) -> bool:
    """Whether some step of an optimizer may run forwards several times."""
    return any(step.evaluations > 1 for step in run.of_type(OptimizerStep))


def _last_evaluations(run: Run) -> Iterable[Forward]:
    """The last forward of each model whose output is looked at, if it relies on running statistics."""
    last = {f.model.key: f for f in run.of_type(Forward) if f.measured is Known.YES}
    return [forward for forward in last.values() if _is_own(forward)]


def _is_own(forward: Forward) -> bool:
    """Whether a model has statistics in eval mode that nothing but this script's forwards made."""
    model = forward.model
    if trains(forward) or not relies_on_running_statistics(forward):
        return False
    return not (model.given or model.pretrained or model.buffers_used or model.copied_at >= 0)


def _of_last_evaluation(run: Run, evaluated: Forward) -> YoungStatistics | None:
    before = [event for event in run.events if event.order < evaluated.order]
    forwards = (event for event in before if isinstance(event, Forward) and trains(event))
    if not _number_of(f for f in forwards if f.model.is_same(evaluated.model)):
        return None
    young = (_of_layer(run, before, evaluated, norm) for norm in evaluated.norms)
    return max((y for y in young if y is not None), key=lambda y: y.share, default=None)


def _of_layer(
    run: Run, before: list[Event], evaluated: Forward, norm: NormState
) -> YoungStatistics | None:
    momentum = None if norm.layer is None else _momentum(norm.layer)
    if norm.layer is None or momentum is None or _is_changed(before, norm):
        return None
    graph = run.graph_of(evaluated.model)
    if graph is None or len(graph.calls_by_layer.get(norm.layer, ())) != 1:
        return None
    forwards = [e for e in before if isinstance(e, Forward) and _may_update(e, norm)]
    updates, trained = _number_of(forwards), next(filter(trains, forwards), None)
    if updates is None or trained is None:
        return None
    share = (1 - momentum) ** updates
    if share <= SHARE:
        return None
    return YoungStatistics(evaluated, trained, norm.layer, momentum, updates, share)


def _momentum(layer: Layer) -> float | None:
    given = layer.arguments.get("momentum")
    number = None if given is None or layer.own_forward else given.number
    return number if number is not None and 0 < number < 1 else None


def _is_changed(before: Iterable[Event], norm: NormState) -> bool:
    """Whether a layer may get statistics, or another momentum, by other means than its forwards."""
    for event in before:
        momenta = event.layers if isinstance(event, MomentumAssigned) else ()
        layers = (*momenta, *given_statistics(event))
        if any(layer.identity == norm.identity for layer in layers):
            return True
    return False


def _may_update(forward: Forward, norm: NormState) -> bool:
    return any(
        other.identity == norm.identity and is_training(other.mode) is not Known.NO
        for other in forward.norms
    )


def _number_of(forwards: Iterable[Forward]) -> int | None:
    """How often forwards run at most, ``None`` where a loop around one has no known end."""
    numbers: dict[tuple[Site, tuple[Frame, ...], tuple[Site, ...]], int] = {}
    for forward in forwards:
        loops = forward.context.loops
        passes = [loop.passes for loop in loops if loop.passes is not None]
        if len(passes) < len(loops) or (trains(forward) and not loops):
            return None  # a framework's own loop is none of the script's
        key = (forward.site, forward.context.frames, tuple(loop.site for loop in loops))
        numbers[key] = prod(passes)
    return sum(numbers.values())
