"""Loops in which a model runs again and again on one batch."""

import re

from bnlint.facts.types.context import Loop
from bnlint.facts.types.run import Forward

_DRAWN = re.compile(r"\bnext\(")


def repeating_loop(forward: Forward) -> Loop | None:
    """The innermost loop around a forward, if it neither iterates a loader nor draws by ``next(batches)``."""
    loops = forward.context.loops
    if not loops or loops[-1].loader is not None or _DRAWN.search(loops[-1].site.text):
        return None
    return loops[-1]
