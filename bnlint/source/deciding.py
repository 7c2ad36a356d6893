"""Which tests decide on a node, within the function or file that it stands in."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile

_ENDS = (cst.Return, cst.Raise, cst.Continue, cst.Break)
Test = tuple[cst.CSTNode, bool]


def tests(source: "SourceFile", node: cst.CSTNode) -> Iterator[Test]:
    """Yield the tests that decide on a node, the nearest first, each with the answer that it needs.

    A lambda has those of the place where it is made. Among them are tests of earlier statements that end the function or the pass otherwise. What
    chooses one of several by a key or a pattern is a test as a whole.
    """
    inner = node
    for outer in source.parents.above(node):
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
        case cst.IndentedBlock(body=body) | cst.Module(body=body):
            yield from _exits(body, inner)
        case cst.MatchCase() | cst.ExceptHandler():
            yield outer, True
        case cst.Subscript(value=cst.Dict()) if inner is outer.value:
            yield outer, True


def _filters(clause: cst.CompFor | None) -> Iterator[Test]:
    while clause is not None:
        yield from ((one.test, True) for one in clause.ifs)
        clause = clause.inner_for_in


def _exits(body: Sequence[cst.CSTNode], inner: cst.CSTNode) -> Iterator[Test]:
    """The tests of earlier statements of a body that leave it when they hold."""
    for statement in body:
        if statement is inner:
            return
        match statement:
            case cst.If(test=test, body=block, orelse=None) if _ends(block):
                yield test, False
            case cst.SimpleStatementLine(body=[cst.Assert(test=test)]):
                yield test, True


def _ends(block: cst.BaseSuite) -> bool:
    last = block.body[-1] if block.body else None
    if isinstance(last, cst.SimpleStatementLine):
        last = last.body[-1]
    return isinstance(last, _ENDS)
