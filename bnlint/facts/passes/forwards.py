"""What the forwards of a run are to its models: training, evaluation, one of several passes."""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.context import Frame
from bnlint.facts.types.graph import Layer
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Purpose
from bnlint.facts.types.mode_events import ModeNotCalled
from bnlint.facts.types.run import (
    Alternative,
    Backward,
    Event,
    Forward,
    Fused,
    Mode,
    Model,
    ModelBuilt,
    NormState,
    OptimizerStep,
    Run,
    Stored,
    Summarised,
    Switch,
    is_training,
    where_nothing_raised,
)
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import (
    HandedOver,
    SampleGradients,
    StatisticsEstimated,
    WeightsLoaded,
    WeightsWritten,
)


def norms_in_training(
    event: Forward | Fused | Stored | Summarised | SampleGradients,
) -> tuple[NormState, ...]:
    """The BatchNorm layers that are certain to be there and to use and update their statistics.

    What they do only after an exception that the program handled is left out.
    """
    live = _live_modes(event)
    if not live:
        return ()
    return tuple(norm for norm in event.norms if norm.is_there and _is_live(norm, live))


def is_live(event: Forward | Stored | Summarised) -> bool:
    """Whether some BatchNorm layer certainly uses and updates its statistics.

    It may be one of several that the model has in the same place, if that holds for all of them.
    """
    return bool(norms_in_training(event)) or _is_any_alternative_live(event)


def _is_any_alternative_live(event: Forward | Stored | Summarised) -> bool:
    modes, live = _live_modes(event), dict[str, set[Alternative]]()
    for norm in event.norms if modes else ():
        if norm.alternative is not None and _is_live(norm, modes):
            live.setdefault(norm.alternative.slot, set()).add(norm.alternative)
    return any(len(found) == next(iter(found)).of for found in live.values())


def _live_modes(
    event: Forward | Fused | Stored | Summarised | SampleGradients,
) -> frozenset[Mode]:
    """Of the modes of an event's BatchNorm layers, mostly one for all, those that are train mode."""
    modes = {norm.mode for norm in event.norms}
    return frozenset(m for m in modes if is_training(where_nothing_raised(m)) is Known.YES)


def _is_live(norm: NormState, live: frozenset[Mode]) -> bool:
    return norm.tracks is Known.YES and norm.mode in live


def relies_on_running_statistics(forward: Forward) -> bool:
    """Whether all BatchNorm layers of torch's are certain to be there and in eval mode, and track.

    Those that the project writes itself may keep their statistics elsewhere than in buffers, and
    ``update_bn`` passes them over.
    """
    norms = [norm for norm in forward.norms if norm.own is None]
    return bool(norms) and all(
        norm.is_there and norm.tracks is Known.YES and is_training(norm.mode) is Known.NO
        for norm in norms
    )


def may_move_statistics(other: Forward, forward: Forward) -> bool:
    """Whether a forward may have layers of another in train mode."""
    layers = {norm.identity for norm in forward.norms}
    live = (norm for norm in other.norms if is_training(norm.mode) is not Known.NO)
    return any(norm.identity in layers for norm in live)


@Pass
def moved_layers(run: Run) -> frozenset[int]:
    """The BatchNorm layers, by their identities, that some forward may have in train mode."""
    return frozenset(
        norm.identity
        for forward in run.of_type(Forward)
        for norm in forward.norms
        if is_training(norm.mode) is not Known.NO
    )


def changes_statistics(event: Event, forward: Forward) -> bool:
    """Whether an event may give other running statistics to the layers of a forward."""
    if isinstance(event, Forward):
        return may_move_statistics(event, forward)
    return gives_statistics(event, forward)


def gives_statistics(event: Event, forward: Forward | Summarised) -> bool:
    """Whether layers of a forward get, or may get, running statistics from elsewhere."""
    layers = {layer.identity for layer in given_statistics(event)}
    return bool(layers) and any(norm.identity in layers for norm in forward.norms)


def given_statistics(event: Event) -> tuple[Layer, ...]:
    """The BatchNorm layers that get, or may get, running statistics from elsewhere.

    Code that is not known and gets a model may load, copy or estimate them.
    """
    match event:
        case WeightsLoaded(parameters_only=True):
            return ()
        case (
            WeightsLoaded(model=model) | StatisticsEstimated(model=model) | HandedOver(model=model)
        ):
            return model.batch_norms
    return ()


def trains(forward: Forward) -> bool:
    """Whether a backward runs, on some path at least, through a forward of the script's own."""
    return forward.trained_on and not forward.inner


@Pass
def training_forwards(run: Run) -> tuple[Forward, ...]:
    """The forwards that a backward runs through or may run through, attacks apart."""
    every = _backpropagated(run)
    plain = [forward for forward in every if forward.attacked_at is None]
    if len(plain) == len(every):
        return tuple(every)
    changes = [event for kind in (OptimizerStep, WeightsWritten) for event in run.of_type(kind)]
    if not all(any(loops_of(c) <= loops_of(f) for f in plain) for c in changes):
        return tuple(every)
    return tuple(f for f in every if f.attacked_at is None or _serves_any(f, changes))


def _serves_any(forward: Forward, changes: Sequence[Event]) -> bool:
    """Whether an optimizer steps, or something writes weights, in the loop that a forward is in."""
    return any(loops_of(forward) <= loops_of(change) for change in changes)


def is_attack(run: Run, forward: Forward) -> bool:
    """Whether a forward is there for the gradient of its input alone, also where that comes by a backward.

    No optimizer steps and nothing writes weights in the loop that it is in, and where anything does
    there are other forwards to train on.
    """
    if forward.attacked_at is None:
        return False
    return all(forward.order != other.order for other in training_forwards(run))


def training_backwards(run: Run) -> Iterator[Backward]:
    """The backwards that weights may get their gradients from: those of attacks come next to an attack."""
    backwards = [*run.of_type(Backward)]
    every = _backpropagated(run) if backwards else []
    for event in backwards:
        before = [forward for forward in every if forward.order < event.order]
        if not (before and is_attack(run, before[-1])):
            yield event


def _backpropagated(run: Run) -> list[Forward]:
    every = run.of_type(Forward)
    return [f for f in every if f.backpropagated is not Known.NO and not f.inner]


def loops_of(event: Event) -> set[Site]:
    """The loop statements around an event, whichever function they stand in."""
    return {loop.site for loop in event.context.loops}


def calls_to(event: Event) -> Iterator[Site]:
    """The calls that lead to an event, the outermost first."""
    return (frame.call for frame in event.context.frames if frame.call is not None)


def is_step_of_training(run: Run, forward: Forward) -> bool:
    """Whether a forward looks at a batch that is trained on in the same pass of the same loop.

    Teachers, pseudo-labels, the step's own accuracy and test-time adaptation do. What comes after
    a forward where a budget ended the run is not known, but without gradients it was no other step.
    """
    around = [loop for loop in forward.context.loops if loop.loader is not None]
    around = around or list(forward.context.loops)
    innermost = around[-1].site if around else None
    held_out = all(loader.is_held_out for loader in forward.loaders)
    return any(
        (not (other.loaders or held_out) or not set(other.loaders).isdisjoint(forward.loaders))
        and (innermost is None or innermost in loops_of(other))
        for other in training_forwards(run)
        if other.grad is not Known.NO or other.order == forward.order
    )


def trains_nothing(run: Run) -> bool:
    """Whether a run that was followed to its end has no backward, of attacks apart, and no step of an optimizer."""
    steps = next(run.of_type(OptimizerStep), None)
    return run.complete and steps is None and next(training_backwards(run), None) is None


def is_left_to_others(run: Run, model: Model) -> bool:
    """Whether a function that nothing calls changes a model that was built before it.

    What it sets, the next function may set back: which is called after which is not known.
    """
    return not run.main and not any(built.model.is_same(model) for built in run.of_type(ModelBuilt))


def trained_between(run: Run, model: Model, after: int, before: int) -> bool:
    """Whether a model is trained between two positions in the run."""
    return any(
        after < forward.order < before and forward.model.is_same(model)
        for forward in training_forwards(run)
    )


def layers_trained_between(run: Run, forward: Forward, after: int) -> bool:
    """Whether the model of a forward, or one that it shares layers with, is trained since a position."""
    layers = {norm.identity for norm in forward.norms} - {-1}
    return any(
        after < other.order < forward.order
        and (
            other.model.is_same(forward.model)
            or any(norm.identity in layers for norm in other.norms)
        )
        for other in training_forwards(run)
    )


def evaluated_between(run: Run, model: Model, after: int, before: int) -> bool:
    """Whether a model is used without being trained between two positions in the run."""
    return any(
        after < forward.order < before and not forward.trained_on and forward.model.is_same(model)
        for forward in run.of_type(Forward)
    )


def overlap(one: Forward, other: Forward) -> bool:
    """Whether two forwards are of one model, or of models that have BatchNorm layers in common."""
    if one.model.is_same(other.model):
        return True
    layers = {norm.layer.site for norm in one.norms if norm.layer is not None}
    return any(norm.layer is not None and norm.layer.site in layers for norm in other.norms)


def may_update(forward: Forward) -> bool:
    """Whether a forward may be there to train, or for the statistics that it leaves behind."""
    if forward.backpropagated is not Known.NO:
        return True
    if forward.measured is Known.YES or forward.grad is not Known.NO:
        return False
    if any(loader.purpose is Purpose.EVALUATION for loader in forward.loaders):
        return False
    return bool(forward.loaders) and is_training(forward.mode) is not Known.NO


def switch_was_meant(run: Run, forward: Forward, method: str) -> bool:
    """Whether ``model.eval`` without parentheses stands between the last switch and a forward."""
    since = max((switch.order for switch in forward.mode), default=-1)
    return any(
        since < event.order < forward.order and event.method == method
        for event in run.of_type(ModeNotCalled)
    )


def helper_of(switch: Switch, forward: Forward) -> tuple[Frame, ...]:
    """The functions down to the one that set a mode and has returned before a forward, if there is one.

    What calls the last of them is also around the forward.
    """
    if switch.context is None:
        return ()
    frames, depth = switch.context.frames, len(switch.context.shared_frames(forward.context))
    return frames[: depth + 1] if depth < len(frames) else ()
