"""Copies of a model that are adapted to one task each, and measured on its queries."""

from bnlint.facts.passes.forwards import is_live, trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.context import Loop
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.immutable import immutable


@immutable
class MeasuredTogether:
    """Queries that a copy in train mode answers as one batch, and the last forward of its adaptation."""

    queries: Forward
    support: Forward


@Pass
def measured_together(run: Run) -> tuple[MeasuredTogether, ...]:
    """Those of copies that each pass of a loop makes anew, of which nothing is learnt."""
    found = []
    for queries in run.of_type(Forward):
        if queries.model.copied_at < 0 or not _only_measures(queries):
            continue
        support = [other for other in run.of_type(Forward) if _adapts(other, queries)]
        if support and _is_for_one_pass(run, queries):
            found.append(MeasuredTogether(queries, support[-1]))
    return tuple(found)


def _only_measures(forward: Forward) -> bool:
    learns = forward.in_loss or forward.backpropagated is not Known.NO
    return forward.measured is Known.YES and not learns and is_live(forward)


def _adapts(forward: Forward, queries: Forward) -> bool:
    """Whether a forward trained the copy before, on other data."""
    since = queries.model.copied_at < forward.order < queries.order
    return (
        since
        and trains(forward)
        and queries.model.is_same(forward.model)
        and forward.data != queries.data
    )


def _is_for_one_pass(run: Run, queries: Forward) -> bool:
    """Whether the copy was made in the pass of a loop, not the first one, in which it is measured as a whole."""
    loops = queries.context.loops
    return any(
        loop.number > 1
        and not any(inner.loader for inner in loops[depth:])
        and _last_outside(run, queries, loops[:depth]) < queries.model.copied_at
        for depth, loop in enumerate(loops, 1)
    )


def _last_outside(run: Run, queries: Forward, around: tuple[Loop, ...]) -> int:
    """The order of the last event before the queries that is not in the same pass of the same loops."""
    before = (event for event in run.events if event.order < queries.order)
    return max((e.order for e in before if e.context.loops[: len(around)] != around), default=-1)
