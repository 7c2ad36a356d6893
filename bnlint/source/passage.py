"""How control passes through a statement: what runs at once, which ways lead out of it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.finding import Edit
from bnlint.source import statement_edits
from bnlint.source.name_bindings import dotted, targets
from bnlint.source.parents import children

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile

_CONSUMERS = frozenset(
    "all any dict frozenset list max min set sorted sum tuple join extend update fsum".split()
)
"""Functions that exhaust a generator before they return."""
_APART = (cst.FunctionDef, cst.Lambda, cst.ClassDef)
_CATCHING = ("suppress", "raises")


def around(
    source: "SourceFile", node: cst.CSTNode, before: Sequence[str], after: str, caught: bool
) -> tuple[Edit, ...]:
    """Put lines before the statement that holds ``node`` and one on every way out of it.

    Where the statement can be left early, or ``caught`` says that an exception in it does not end
    the program, the line after it is put into a ``finally``. Empty where that cannot be written.
    """
    statement = statement_edits.holder(source, node)
    if statement is None or not runs_at_once(source, node) or _yields(statement):
        return ()
    if caught or is_left_early(statement):
        wrapped = statement_edits.wrap(source, statement, before, after)
        return () if wrapped is None else (wrapped,)
    edits = (
        statement_edits.insert_before(source, node, "\n".join(before)),
        statement_edits.insert_after(source, node, after),
    )
    return tuple(edit for edit in edits if edit is not None) if all(edits) else ()


def runs_at_once(source: "SourceFile", node: cst.CSTNode) -> bool:
    """Whether a node is evaluated while the statement that holds it runs, not later.

    The body of a ``lambda`` and the items of a generator that something else consumes are not.
    """
    statement = statement_edits.holder(source, node)
    if statement is None or isinstance(statement, _APART):
        return False
    inner: cst.CSTNode = node
    for outer in source.parents.above(node):
        if isinstance(inner, cst.Lambda):
            return False
        if isinstance(inner, cst.GeneratorExp) and not _is_exhausted(source, inner):
            return False
        if outer is statement:
            break
        inner = outer
    return not isinstance(inner, cst.Lambda)


def is_left_early(statement: cst.CSTNode) -> bool:
    """Whether a statement has a way out other than its end: return, raise, a jump of a loop."""
    return any(_leaves(statement, ()))


def handlers(source: "SourceFile", node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield the statements of the same function that handle an exception at ``node``."""
    inner = node
    for outer in source.parents.above(node):
        match outer:
            case cst.Try() | cst.TryStar() if outer.handlers and inner is outer.body:
                yield outer
            case cst.With(items=items) if any(map(_suppresses, items)):
                yield outer
            case cst.FunctionDef():
                return
        inner = outer


def binds(source: "SourceFile", node: cst.CSTNode, name: str) -> bool:
    """Whether the statement that holds ``node`` gives a dotted name, or its start, a new value."""
    statement = statement_edits.holder(source, node)
    if statement is None:
        return True
    bound = set[str]().union(*map(targets, _below(statement)))
    return any(name == target or name.startswith(f"{target}.") for target in bound)


def _is_exhausted(source: "SourceFile", generator: cst.GeneratorExp) -> bool:
    """Whether what takes a generator uses it up at once."""
    parent = source.parents.of_node.get(generator)
    if isinstance(parent, cst.For | cst.StarredElement):
        return True
    if not isinstance(parent, cst.Arg):
        return False
    call = source.parents.of_node.get(parent)
    if parent.star:
        return True
    match call.func if isinstance(call, cst.Call) else None:
        case cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)):
            return name in _CONSUMERS
    return False


def _yields(statement: cst.CSTNode) -> bool:
    return any(isinstance(node, cst.Yield) for node in _below(statement))


def _leaves(node: cst.CSTNode, loops: tuple[cst.CSTNode, ...]) -> Iterator[bool]:
    match node:
        case cst.Return() | cst.Raise():
            yield True
        case cst.Break() | cst.Continue():
            yield not loops
        case cst.For() | cst.While():
            yield from _leaves(node.body, (*loops, node))
            if node.orelse is not None:
                yield from _leaves(node.orelse, loops)
        case cst.FunctionDef() | cst.ClassDef() | cst.Lambda():
            return
        case _:
            for child in children(node):
                yield from _leaves(child, loops)


def _below(statement: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A statement and all nodes in it that run with it."""
    pending = [statement]
    while pending:
        node = pending.pop()
        yield node
        pending += [child for child in children(node) if not isinstance(child, _APART)]


def _suppresses(item: cst.WithItem) -> bool:
    call = item.item
    name = dotted(call.func) if isinstance(call, cst.Call) else ""
    return name.rpartition(".")[2] in _CATCHING
