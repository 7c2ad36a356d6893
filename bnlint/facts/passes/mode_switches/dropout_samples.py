"""Answers to one input that are drawn several times with dropout on, under ``train()`` of the whole model."""

import re

from bnlint.facts.passes.forwards import is_live, is_step_of_training, trained_between
from bnlint.facts.passes.mode_switches.repeated_batches import repeating_loop
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeSwitched, Run
from bnlint.immutable import immutable

_COUNTED = re.compile(r"\bfor\s+(\w+)\s+in\s+(?:\w+\()*(?:\w+\.)?\w*range\(")


@immutable
class DropoutSample:
    """A forward with BatchNorm in train mode, and the call of ``train()`` that was made for it."""

    forward: Forward
    switched: ModeSwitched


@Pass
def dropout_samples(run: Run) -> tuple[DropoutSample, ...]:
    """One for each forward."""
    switches = {event.site: event for event in run.of_type(ModeSwitched) if event.training}
    found = []
    for forward in run.of_type(Forward) if switches else ():
        if len(forward.mode) != 1 or not _draws_samples(run, forward):
            continue
        (switch,) = forward.mode
        event = None if switch.site is None else switches.get(switch.site)
        trained = trained_between(run, forward.model, switch.order, forward.order)
        if event is not None and not trained:
            found.append(DropoutSample(forward, event))
    return tuple(found)


def _draws_samples(run: Run, forward: Forward) -> bool:
    """Whether an input is run several times, and not trained on, through BatchNorm and dropout."""
    if forward.inner or forward.backpropagated is not Known.NO:
        return False
    if forward.made_up is Known.YES and not trained_between(run, forward.model, -1, forward.order):
        return False
    if not is_live(forward) or is_step_of_training(run, forward):
        return False
    return _is_repeated(run, forward) and has_dropout(run, forward)


def _is_repeated(run: Run, forward: Forward) -> bool:
    """Whether it runs several times for one input: in a loop that only counts."""
    loop = repeating_loop(forward)
    counts = loop is not None
    text = forward.site.statement.text if loop is None else loop.site.text
    head = _COUNTED.match(text) if counts else _COUNTED.search(text)
    if head is None or not (counts or _runs_again(run, forward)):
        return False
    return (counts and bool(forward.loaders)) or len(re.findall(rf"\b{head[1]}\b", text)) == 1


def _runs_again(run: Run, forward: Forward) -> bool:
    """Whether a comprehension whose items are rehearsed one by one runs it again."""
    return any(
        other.site == forward.site and other.order != forward.order
        for other in run.of_type(Forward)
        if other.context.loops == forward.context.loops
    )


def has_dropout(run: Run, forward: Forward) -> bool:
    """Whether a model is known to have dropout, as layers or as functions that its forward calls."""
    graph = run.graph_of(forward.model)
    if graph is None:
        return False
    layers = any(layer.kind is Kind.DROPOUT for layer in graph.layers)
    return layers or any(call.kind is Kind.DROPOUT for call in graph.calls)
