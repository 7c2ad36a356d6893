"""Batches that are left out for a loss that is not a number, after the forward has seen them."""

import re
from collections.abc import Iterator, Sequence

from bnlint.facts.passes.forwards import is_live, overlap, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.context import Assumption
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Backward, Event, Forward, Run, Stored, is_training
from bnlint.facts.types.weight_events import StatisticsEstimated, StatisticsReset, WeightsLoaded
from bnlint.immutable import immutable

_WORDS = ("nan(", "inf(", "finite(")
_NOT_FINITE = re.compile(r"\bis_?(?:nan|inf)\(")
_FINITE = re.compile(r"\bis_?(?:all_?)?finite\(")
_NEGATED = re.compile(r"\bnot\b|~|logical_not|== *False|is +False")
_CLEANING = "nan_to_num("
"""What makes the inputs finite before the forward."""
_REPAIRING = (WeightsLoaded, StatisticsReset, StatisticsEstimated)


@immutable
class LateGuard:
    """A forward that updates running statistics, and the test behind it that its backward waits for."""

    forward: Forward
    guard: Assumption


@Pass
def late_guards(run: Run) -> tuple[LateGuard, ...]:
    """Those of a run whose other path repairs nothing."""
    return tuple(_late_guards(run))


def _late_guards(run: Run) -> Iterator[LateGuard]:
    repaired = [event for event in run.events if isinstance(event, _REPAIRING)]
    for backward in run.of_type(Backward):
        guards = [guard for guard in backward.context.assumptions if _is_about_numbers(guard)]
        for forward in _passed_back(run, backward) if guards else ():
            before = forward.context.assumptions
            for guard in guards:
                if guard in before or _is_mended(guard, repaired):
                    continue
                if _counts_later(run, forward):
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
        if forward.site.source.mentions(_CLEANING) or forward.model.buffers_used:
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


def _is_mended(guard: Assumption, repaired: Sequence[Event]) -> bool:
    return any(guard.opposite in event.context.assumptions for event in repaired)
