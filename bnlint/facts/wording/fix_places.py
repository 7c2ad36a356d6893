"""Where a line about a model can be put: which loops and statements belong to a function."""

import re
from collections.abc import Iterator

from bnlint.facts.passes.forwards import loops_of, training_forwards
from bnlint.facts.types.context import Loop
from bnlint.facts.types.run import Event, Forward, ModeSwitched, Run
from bnlint.facts.types.site import Site

_STATEMENT = re.compile(r"(async\s+)?(for|while)\b")


def encloses(outer: Site, inner: Site) -> bool:
    """Whether one place lies within another."""
    if outer.path != inner.path:
        return False
    return outer.span.start <= inner.span.start and inner.span.end <= outer.span.end


def own_loops(event: Event) -> tuple[Loop, ...]:
    """The loop statements around an event in the function that it stands in, outermost first."""
    frames = event.context.frames
    definition = frames[-1].definition if frames else None
    return tuple(
        loop
        for loop in event.context.loops
        if encloses(loop.site, event.site)
        and (definition is None or encloses(definition, loop.site))
        and _STATEMENT.match(loop.site.text)
    )


def places_of(run: Run, forward: Forward) -> Iterator[Site]:
    """What a line about the evaluation of a model can stand before, the whole of it first.

    These are the loops around it in its function that neither train, nor switch or build the
    model, from the loop over its loader inwards, and the statement of the forward itself.
    """
    model = forward.model
    busy = set[Site]().union(
        *map(loops_of, training_forwards(run)),
        *(loops_of(event) for event in run.of_type(ModeSwitched) if event.model.is_same(model)),
    )
    free = [
        loop
        for loop in own_loops(forward)
        if loop.site not in busy
        and not (model.site is not None and encloses(loop.site, model.site))
    ]
    over_loader = [place for place, loop in enumerate(free) if loop.loader in forward.loaders]
    yield from (loop.site for loop in free[over_loader[-1] if over_loader else 0 :])
    yield forward.site


def evaluation_around(run: Run, forward: Forward) -> Site:
    """The statement that evaluates a model: its loop over the loader, or the forward's own."""
    return next(places_of(run, forward))
