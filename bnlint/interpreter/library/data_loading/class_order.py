"""Iterable datasets of the project that yield the samples of one class after those of another."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.frames import ActiveLoop
from bnlint.interpreter.core.knowledge import in_random_order
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.python.functions import is_generator, run_function
from bnlint.interpreter.python.trials import execute_and_undo

CLASSES = "loop over the classes"
"""The attribute of loaders that has it; no name of the program's."""
COUNTERS = frozenset({"index", "loop variable"})
"""The reasons of unknown numbers that count the passes of a loop."""


def loop_over_classes(m: Machine, dataset: Value, site: Site) -> Site | None:
    """The loop of an ``__iter__`` within whose passes all samples have the number of the pass as label.

    It is executed for its yields alone: what else it does is undone.
    """
    if not isinstance(dataset, Instance) or dataset.cls is None:
        return None
    function = dataset.cls.find("__iter__")
    if not isinstance(function, Function) or not is_generator(function):
        return None
    found: list[Site | None] = []

    def on_yield(value: Value) -> None:
        found.append(_loop_of_label(value, m.loops[m.frame.loops :]))

    execute_and_undo(m, lambda: run_function(m, function, Arguments([dataset]), site, on_yield))
    places = set(found)
    return places.pop() if len(places) == 1 else None


def _loop_of_label(value: Value, loops: list[ActiveLoop]) -> Site | None:
    """The outer of two loops around the yield of a sample and its label, if it gives the label."""
    match value, loops:
        case (tuple() | list()) as parts, [outer, inner] if len(parts) == 2:
            labels = [part for part in parts if _counts(part, outer) and not _counts(part, inner)]
            several = outer.passes is None or outer.passes > 1
            return outer.site if len(labels) == 1 and several and _goes_on(inner) else None
    return None


def _counts(part: Value, loop: ActiveLoop) -> bool:
    """Whether a value is the number of a loop's pass, which the loop has as an item or a part of one."""
    items = loop.item if isinstance(loop.item, tuple) else (loop.item,)
    is_number = type(part) is int or (isinstance(part, Unknown) and part.reason in COUNTERS)
    return is_number and any(part is item for item in items)


def _goes_on(loop: ActiveLoop) -> bool:
    """Whether a loop goes through any number of samples, not through a few that were drawn."""
    return loop.abstract and loop.passes is None and not in_random_order(loop.item)
