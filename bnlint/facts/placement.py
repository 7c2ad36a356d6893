"""Where a line about a model can be put: which loops and names belong to a function."""

import re

from bnlint.facts.forwards import (
    loops_of,
    norms_in_training,
    trained_without_switch,
    training_forwards,
)
from bnlint.facts.known import Known
from bnlint.facts.run import Event, Forward, Loop, Run
from bnlint.facts.site import Site
from bnlint.finding import Edit

_DOTTED_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_STATEMENT = re.compile(r"(async\s+)?(for|while)\b")


def is_dotted_name(text: str) -> bool:
    """Whether code is a name or a chain of attributes, which means the same on the next line."""
    return _DOTTED_NAME.fullmatch(text) is not None


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


def evaluation_around(run: Run, forward: Forward) -> Site:
    """The statement that evaluates a model: its loop over the loader, or the forward's own."""
    trained = set[Site]().union(*(loops_of(f) for f in training_forwards(run, forward.model)))
    built = forward.model.site
    loops = [
        loop
        for loop in own_loops(forward)
        if loop.site not in trained and not (built is not None and encloses(loop.site, built))
    ]
    over_loader = [loop for loop in loops if loop.loader in forward.loaders]
    if over_loader:
        return over_loader[-1].site
    return loops[0].site if loops else forward.site


def name_at(run: Run, forward: Forward) -> str | None:
    """The name that a line before the evaluation can call the model by, ``None`` if there is none.

    A name that stands for several models within one call of the function is bound by the loop, and
    a call that trains in other passes cannot be prepared for evaluation alone.
    """
    name = forward.model.name
    if not is_dotted_name(name):
        return None
    for other in run.of_type(Forward):
        if other.site != forward.site:
            continue
        same_call = other.context.frames == forward.context.frames
        if same_call and not other.model.is_same(forward.model):
            return None
        if other.backpropagated is not Known.NO:
            return None
    return name


def evaluated_in_eval_mode(run: Run, forward: Forward) -> tuple[str, tuple[Edit | None, ...]]:
    """What to do, in words and edits, to evaluate in eval mode and to train as before.

    There are no edits where the model cannot be named, or where ``train()`` afterwards would undo
    the eval mode of some of its layers.
    """
    name = name_at(run, forward)
    if name is None:
        return f"Call `{forward.model.name}.eval()` before it", ()
    place = evaluation_around(run, forward)
    before = place.insert_before(f"{name}.eval()")
    again = any(
        trained_without_switch(run, other)
        for other in run.of_type(Forward)
        if other.site == forward.site
    )
    if not again:
        return f"Call `{name}.eval()` before it", (before,)
    title = f"Call `{name}.eval()` before it and `{name}.train()` after it"
    if len(norms_in_training(forward)) < len(forward.norms):
        return title, ()
    return title, (before, place.insert_after(f"{name}.train()"))
