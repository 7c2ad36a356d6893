"""Networks whose weights follow those of another, while their running statistics stay behind."""

import re
from collections.abc import Iterator, Mapping

from bnlint.facts.passes.forwards import (
    gives_statistics,
    is_step_of_training,
    loops_of,
    moved_layers,
    norms_in_training,
    relies_on_running_statistics,
    trains,
)
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.context import Frame
from bnlint.facts.types.run import Forward, Model, Run
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsLoaded, WeightsWritten
from bnlint.facts.wording.paired_parameters import (
    NetworkPair,
    networks_of_call,
    networks_of_loop,
)
from bnlint.immutable import immutable

_ABOUT_STATISTICS = (
    *("buffers(", "._buffers", "running_mean", "running_var", "running_stat"),
    *("update_bn", "state_dict()."),
)
"""Words of code that may bring statistics along, by whatever way."""
_ON_PURPOSE = ("FedBN", "fedbn", "SiloBN", "silobn", "fed_bn")
"""Names of methods that leave BatchNorm to those whose data it normalises."""
_LEFT_OUT = re.compile(r"""["'](?:bn|norm|batch_?norm)["']\s+(?:not\s+)?in\b""")


@immutable
class StaleStatistics:
    """A forward in eval mode of a network that only ``written`` brings up to date.

    ``loop`` is the loop over parameters that stands around ``written``, or the call that hands them
    to it, and ``pair`` the networks that it is about; ``in_step`` says that the network serves a training step of another, as targets
    do.
    """

    forward: Forward
    written: WeightsWritten
    loop: Site
    pair: NetworkPair
    in_step: bool


@Pass
def stale_statistics(run: Run) -> tuple[StaleStatistics, ...]:
    """The first such forward of each network."""
    if not run.complete or not any(run.of_type(WeightsWritten)):
        return ()
    found: dict[int, StaleStatistics] = {}
    for forward in run.of_type(Forward):
        if forward.model.key in found or not relies_on_running_statistics(forward):
            continue
        writes, known = writes_to(run, forward), _updates(run)
        updates = [update for event in writes if (update := known[event.order]) is not None]
        if len(updates) < len(writes):
            continue  # written by other means, too, such as the values of its state
        for event, (loop, pair) in reversed([*zip(writes, updates, strict=True)]):
            if _moves_on(run, forward, event) and keeps_its_statistics(run, forward, loop):
                in_step = serves_a_step(run, forward)
                found[forward.model.key] = StaleStatistics(forward, event, loop, pair, in_step)
                break
    return tuple(found.values())


def _moves_on(run: Run, forward: Forward, written: WeightsWritten) -> bool:
    """Whether a write brings what training or a file has changed since both networks were alike."""
    twins = list(trained_twins(run, forward))
    models = [twin.model for twin in twins]
    loaded = (e for e in run.of_type(WeightsLoaded) if any(map(e.model.is_same, models)))
    return any(event.order < written.order for event in (*twins, *loaded))


@Pass
def _updates(run: Run) -> Mapping[int, tuple[Site, NetworkPair] | None]:
    """What :func:`_update` says of each write, by its position in the run."""
    return {event.order: _update(event) for event in run.of_type(WeightsWritten)}


def _update(event: WeightsWritten) -> tuple[Site, NetworkPair] | None:
    """The loop around a write to one network's parameters that takes those of another.

    It is the call instead, where that hands the parameters to the function with the loop.
    """
    loops, frame = event.context.loops, event.context.frames[-1]
    if len(loops) <= frame.loops:
        return None
    loop, function = loops[-1].site, _code_of(frame)
    pair = networks_of_loop(loop.text, event.site.text, function)
    if pair is None and frame.call is not None:
        caller = _code_of(*event.context.frames[-2:-1])
        pair = networks_of_call(loop.text, event.site.text, function, frame.call.text, caller)
        loop = frame.call
    return None if pair is None else (loop, pair)


def _code_of(*frames: Frame) -> str:
    """The code of a function, where it is known."""
    return next((f.definition.text for f in frames if f.definition is not None), "")


def writes_to(run: Run, forward: Forward) -> list[WeightsWritten]:
    """The events in which parameters of a network's BatchNorm layers are written."""
    layers, written = {norm.identity for norm in forward.norms}, _written_layers(run)
    return [e for e in run.of_type(WeightsWritten) if not layers.isdisjoint(written[e.model])]


@Pass
def _written_layers(run: Run) -> Mapping[Model, frozenset[int]]:
    """The BatchNorm layers, by their identities, of each model that is written to."""
    models = {event.model for event in run.of_type(WeightsWritten)}
    return {model: frozenset(x.identity for x in model.batch_norms) for model in models}


def keeps_its_statistics(run: Run, forward: Forward, written: Site) -> bool:
    """Whether nothing moves a network's statistics once another of its kind is trained."""
    if forward.model.buffers_used:
        return False
    sources = (written.source, forward.site.source)
    words = (*_ABOUT_STATISTICS, *_ON_PURPOSE)
    if _LEFT_OUT.search(written.text):
        return False
    if any(source.mentions(word) for source in sources for word in words):
        return False
    if any(norm.identity in moved_layers(run) for norm in forward.norms):
        return False
    first = next(trained_twins(run, forward), None)
    if first is None:
        return False
    later = (event for event in run.events if event.order > first.order)
    return not any(gives_statistics(event, forward) for event in later)


def trained_twins(run: Run, forward: Forward) -> Iterator[Forward]:
    """The training steps of another network of the same class, with live statistics."""
    return (
        other
        for other in run.of_type(Forward)
        if trains(other)
        and other.model.type == forward.model.type
        and not other.model.is_same(forward.model)
        and len(other.norms) == len(forward.norms) == len(norms_in_training(other))
    )


def serves_a_step(run: Run, forward: Forward) -> bool:
    """Whether a network looks at a batch that another is trained on."""
    if forward.loaders:
        return is_step_of_training(run, forward)
    if not forward.context.loops:
        return False
    innermost, here = forward.context.loops[-1].site, forward.context.frames[-1]
    return any(
        innermost in loops_of(other) and other.context.frames[-1] == here
        for other in trained_twins(run, forward)
    )
