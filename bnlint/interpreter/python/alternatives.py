"""Doing something with one of several objects, of which it is not known which one it is."""

from collections.abc import Callable, Sequence, Set
from typing import cast

from bnlint.facts.types.context import Assumption, Condition
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.frames import Completion
from bnlint.interpreter.core.heap import Contents, Snapshot
from bnlint.interpreter.core.machine import Machine, Path
from bnlint.interpreter.core.objects import Builtin, Instance, Method
from bnlint.interpreter.core.values import Selection, Value
from bnlint.interpreter.torch.modules import parts_of

Kept = tuple[dict[str, Value], Contents]
"""A container, and what it held at the end of the path that it belongs to."""


def with_one_of(
    m: Machine,
    values: Sequence[Value],
    do: Callable[[Value], Completion | None],
    site: Site,
    selection: Selection | None = None,
    made: Sequence[Value] = (),
) -> Completion | None:
    """Do something with one of ``values``, the one that ``selection`` means wherever it decides.

    What was built only where it is the one that is taken is, wherever it exists, as that path
    leaves it: the other paths know nothing of it. That may be what ``do`` adds to ``made``.
    """
    kept: list[Kept] = []
    settled: set[int] = set()

    def path(value: Value) -> Path:
        def execute() -> Completion | None:
            start, others = m.heap.snapshot(), len(made)
            try:
                done = do(value)
                for thing in (value, *made[others:]):
                    own = _own_state(m, thing, around, start)
                    kept.extend(own)
                    settled.update(id(state) for state, _ in own)
            finally:
                m.heap.drop(start)
            return done

        return execute

    around = set(m.assumptions())
    paths = [path(value) for value in values]
    done = _choose(m, paths, site, selection or Selection(), settled)
    for container, contents in kept:
        m.heap.fill(container, contents)
    return done


def _choose(
    m: Machine, paths: Sequence[Path], site: Site, selection: Selection, settled: Set[int]
) -> Completion | None:
    """Take one of several paths; those that the present path rules out are not taken again."""
    decided = {one.condition: one.holds for one in m.assumptions()}
    left: list[tuple[Condition, Path]] = []
    for number, path in enumerate(paths):
        condition = selection.condition(number, site)
        if decided.get(condition, True):
            left.append((condition, path))
        if decided.get(condition, False):
            break
    return _try_each(m, left, settled)


def _try_each(
    m: Machine, paths: Sequence[tuple[Condition, Path]], settled: Set[int]
) -> Completion | None:
    if not paths:
        return None
    (condition, first), *others = paths
    if not others:
        return first()
    return m.part(condition, first, lambda: _try_each(m, others, settled), settled)


def _own_state(m: Machine, value: Value, around: set[Assumption], start: Snapshot) -> list[Kept]:
    """What changed since ``start`` of an object and its parts, as far as they exist on this path alone."""
    if not start.saved:
        return []
    owner = value.receiver if isinstance(value, Builtin | Method) else value
    if not isinstance(owner, Instance):
        return []
    parts = [part.module for part in parts_of(m, owner)] if owner.is_module else [owner]
    own = [part for part in parts if not around.issuperset(part.assumptions)]
    parameters = [
        item
        for part in own
        for item in part.attributes.values()
        if type(item) is Instance and not item.is_module
    ]
    states = (one.attributes for one in [*own, *parameters] if id(one.attributes) in start.saved)
    return [(state, cast(Contents, dict(state))) for state in states]
