"""In which pass of which loops a traced operation ran: a trace has no loops, but their code has."""

from collections import Counter
from collections.abc import Sequence

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.source import SourceFile


class Passes:
    """Numbers the passes of loops by how often the same chain of calls came by."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[Site, ...]] = Counter()
        self._loops: dict[Site, tuple[Site, ...]] = {}

    def of(self, calls: Sequence[Site]) -> tuple[tuple[Site, int], ...]:
        """The loops around the calls that led to an operation, nearest first, each with its pass."""
        key = tuple(calls)
        self._seen[key] += 1
        around = [loop for call in calls for loop in self._around(call)]
        return tuple((loop, self._seen[key]) for loop in dict.fromkeys(around))

    def _around(self, call: Site) -> tuple[Site, ...]:
        if call not in self._loops:
            self._loops[call] = tuple(_loops_around(call))
        return self._loops[call]


def _loops_around(call: Site) -> list[Site]:
    """The loops of the function that a call stands in."""
    source, found = call.source, []
    if not isinstance(source, SourceFile) or not isinstance(call.node, cst.CSTNode):
        return []
    for node in source.parents.above(call.node):
        if isinstance(node, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            break
        if isinstance(node, cst.For | cst.While):
            found.append(Site(source, node))
    return found
