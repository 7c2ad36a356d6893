"""What is left of an entry point's steps, and what took them."""

from collections.abc import Sequence

import libcst as cst

from bnlint.facts.types.context import Context
from bnlint.interpreter.core.frames import Activation

COSTLY = 30_000
"""Steps of a call in which nothing is done with a model that are better spent on the rest."""
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
