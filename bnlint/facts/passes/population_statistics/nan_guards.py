"""Batches that are left out for a loss that is not a number, after the forward has seen them."""

import re
from collections.abc import Iterator

from bnlint.facts.passes.forwards import gives_statistics, is_live, overlap, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.context import Assumption
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Backward, Event, Forward, Run, Stored, is_training
from bnlint.facts.types.weight_events import BuffersAsked, StatisticsReset, WeightsWritten
from bnlint.immutable import immutable

_WORDS = ("nan(", "inf(", "finite(")
_NOT_FINITE = re.compile(r"\bis_?(?:nan|inf)\(")
_FINITE = re.compile(r"\bis_?(?:all_?)?finite\(")
_NEGATED = re.compile(r"\bnot\b|~|logical_not|== *False|is +False")
_CLEANING = "nan_to_num("
"""What makes the inputs finite before the forward."""


@immutable
class LateGuard:
    """A forward that updates running statistics, and the test behind it that its backward waits for."""

    forward: Forward
    guard: Assumption


@Pass
def late_guards(run: Run) -> tuple[LateGuard, ...]:
    """Those of a run whose other path goes on with the network as it is."""
    return tuple(_late_guards(run))


def _late_guards(run: Run) -> Iterator[LateGuard]:
    for backward in run.of_type(Backward):
        guards = [guard for guard in backward.context.assumptions if _is_about_numbers(guard)]
        for forward in _passed_back(run, backward) if guards else ():
            open_guards = [guard for guard in guards if guard not in forward.context.assumptions]
            for guard in open_guards if _counts_later(run, forward) else ():
                if _goes_on(run, forward, backward, guard):
                    yield LateGuard(forward, guard)


def _counts_later(run: Run, forward: Forward) -> bool:
    """Whether the model is kept or evaluated after its training, or nothing says that it is not."""
    if not run.main:
        return True
    stored = (model for event in run.of_type(Stored) for model in event.models)
    used = (other for other in run.of_type(Forward) if is_training(other.mode) is not Known.YES)
    return any(model.is_same(forward.model) for model in stored) or any(
        overlap(other, forward) for other in used
    )


def _passed_back(run: Run, backward: Backward) -> Iterator[Forward]:
    """The forwards of the same pass of a loop that a backward runs through."""
    loops = backward.context.loops
    for forward in run.of_type(Forward):
        around = forward.context.loops
        same = forward.order < backward.order and loops[: len(around)] == around
        if not (around and same and trains(forward) and is_live(forward)):
            continue
        if forward.site.source.mentions(_CLEANING):
            continue
        if any(model.is_same(forward.model) for model in backward.models):
            yield forward


def _is_about_numbers(guard: Assumption) -> bool:
    """Whether code goes on only with numbers that are finite."""
    site = guard.condition.site
    if not any(map(site.source.mentions, _WORDS)):
        return False
    text = site.text
    if _NOT_FINITE.search(text):
        return guard.holds is bool(_NEGATED.search(text))
    return bool(_FINITE.search(text)) and guard.holds is not bool(_NEGATED.search(text))


def _goes_on(run: Run, forward: Forward, backward: Backward, guard: Assumption) -> bool:
    """Whether the same network is certainly used again behind a batch that was left out, unmended.

    What happens under no further condition happens on both paths. Where the other path ends, or may have put
    another network in the place of this one, conditions say so.
    """
    known = set(forward.context.assumptions)
    for event in run.events:
        if event.order <= forward.order:
            continue
        if _mends(event, forward) and guard not in event.context.assumptions:
            return False
        certain = known.issuperset(event.context.assumptions)
        if certain and event.order > backward.order and _uses(event, forward):
            return True
    return False


def _uses(event: Event, forward: Forward) -> bool:
    match event:
        case Forward():
            return overlap(event, forward)
        case Stored(models=models):
            return any(model.is_same(forward.model) for model in models)
    return False


def _mends(event: Event, forward: Forward) -> bool:
    """Whether layers of a forward get, or may get, other statistics; entries of a state are some, too."""
    match event:
        case WeightsWritten(model=model) | BuffersAsked(model=model):
            layers = {layer.identity for layer in model.batch_norms}
        case StatisticsReset(layer=layer):
            layers = {layer.identity}
        case _:
            return gives_statistics(event, forward)
    return any(norm.identity in layers for norm in forward.norms)
