"""Which tests decide on a node, within the function or file that it stands in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile

_ENDS = (cst.Return, cst.Raise, cst.Continue, cst.Break)
MOST_EXITS = 100
"""Statements that may leave a body, of which at least the nearest count for what follows them."""
Test = tuple[cst.CSTNode, bool]


def tests(source: "SourceFile", node: cst.CSTNode) -> Iterator[Test]:
    """Yield the tests that decide on a node, the nearest first, each with the answer that it needs.

    A lambda has those of the place where it is made. Among them are tests of earlier statements that
    end the function or the pass otherwise. What chooses one of several by a key or a pattern is a
    test as a whole.
    """
    inner = node
    for outer in source.parents.above(node):
        if isinstance(outer, cst.IndentedBlock | cst.Module):
            yield from source.exits.before(inner, outer)
        else:
            yield from _between(outer, inner)
        if isinstance(outer, cst.FunctionDef | cst.ClassDef):
            return
        inner = outer


def function_around(source: "SourceFile", node: cst.CSTNode) -> cst.CSTNode | None:
    """Return the function that a node stands in; ``None`` at module or class level."""
    for outer in source.parents.above(node):
        if isinstance(outer, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            return None if isinstance(outer, cst.ClassDef) else outer
    return None


def _between(outer: cst.CSTNode, inner: cst.CSTNode) -> Iterator[Test]:
    match outer:
        case (
            cst.If(test=test, body=body, orelse=orelse)
            | cst.IfExp(test=test, body=body, orelse=orelse)
        ):
            if inner is not test:
                yield test, inner is body and inner is not orelse
        case cst.BooleanOperation(left=left, operator=operator, right=right) if inner is right:
            yield left, isinstance(operator, cst.And)
        case cst.BaseComp() if inner is not outer.for_in:
            yield from _filters(outer.for_in)
        case cst.MatchCase() | cst.ExceptHandler():
            yield outer, True
        case cst.Subscript(value=cst.Dict()) if inner is outer.value:
            yield outer, True


def _filters(clause: cst.CompFor | None) -> Iterator[Test]:
    while clause is not None:
        yield from ((one.test, True) for one in clause.ifs)
        clause = clause.inner_for_in


@dataclass(slots=True)
class Exits:
    """The tests of statements that leave their body when they hold; each body is gone through once."""

    _tests: dict[cst.CSTNode, list[Test]] = field(default_factory=dict)
    _before: dict[cst.CSTNode, int] = field(default_factory=dict)
    """How many of its body's tests stand before a statement."""

    def before(self, statement: cst.CSTNode, block: cst.IndentedBlock | cst.Module) -> list[Test]:
        """Those of the statements of a block that stand before one of them."""
        if block not in self._tests:
            self._tests[block] = list(self._walk(block.body))
        count = self._before.get(statement, 0)
        first = max(0, count // MOST_EXITS - 1) * MOST_EXITS
        return self._tests[block][first:count]

    def _walk(self, body: Sequence[cst.CSTNode]) -> Iterator[Test]:
        count = 0
        for statement in body:
            self._before[statement] = count
            test = _exit(statement)
            if test is not None:
                count += 1
                yield test


def _exit(statement: cst.CSTNode) -> Test | None:
    match statement:
        case cst.If(test=test, body=block, orelse=None) if _ends(block):
            return test, False
        case cst.SimpleStatementLine(body=[cst.Assert(test=test)]):
            return test, True
    return None


def _ends(block: cst.BaseSuite) -> bool:
    last = block.body[-1] if block.body else None
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    return isinstance(last, _ENDS)
