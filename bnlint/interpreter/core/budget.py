"""What is left of an entry point's steps, and what took them."""

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from bnlint.facts.types.context import Context
from bnlint.interpreter.core.frames import Activation

COSTLY = 30_000
"""Steps of a call in which nothing is done with a model that are better spent on the rest."""
COSTLY_IN_ALL, OFTEN = 20_000, 5
"""The same for all calls of one function, if they are more than so many."""
MAX_DEPTH = 60
"""Calls within calls; deeper ones give an unknown value."""


class BudgetExceeded(Exception):
    """The rehearsal of an entry point took more steps than it may.

    ``context`` is where it was then, ``costly`` a function whose one call took most of them for nothing.
    """

    def __init__(self, context: Context, costly: cst.FunctionDef | None) -> None:
        self.context = context
        self.costly = costly


def costly_function(
    frames: Sequence[Activation], steps: int, happened: int
) -> cst.FunctionDef | None:
    """The innermost function, but for constructors, whose call did nothing with a model for very long."""
    for frame in reversed(frames):
        node = frame.definition.node if frame.definition is not None else None
        if not isinstance(node, cst.FunctionDef) or frame.function == "__init__":
            continue
        began, before = frame.since
        if steps - began > COSTLY and happened == before:
            return node
    return None


@dataclass(slots=True)
class Toil:
    """The calls of one function, but for those within its own, and the steps that they took."""

    calls: int = 0
    steps: int = 0
    within: int = 0
    """How many of its calls are being executed."""

    def is_too_much(self, steps: int) -> bool:
        """Count one more call; whether they are better spent on the rest by now."""
        self.calls += 1
        self.steps += steps
        return self.steps > COSTLY_IN_ALL and self.calls > OFTEN
