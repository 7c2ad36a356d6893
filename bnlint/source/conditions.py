"""Under which condition a node runs, in words that mean the same at another place."""

import builtins
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.source.name_bindings import bindings, names_in
from bnlint.source.parents import children

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile

_SCOPES = (cst.FunctionDef, cst.Lambda, cst.ClassDef)
_ALWAYS = (
    *(cst.Module, cst.IndentedBlock, cst.SimpleStatementLine, cst.SimpleStatementSuite, cst.Expr),
    *(cst.Assign, cst.AssignTarget, cst.Call, cst.Arg, cst.Attribute, cst.With, cst.For, cst.Else),
)
"""What lets through all that comes to it; a loop over the parameters of a model has some."""
_PLAIN = (
    *(cst.Name, cst.Attribute, cst.Comparison, cst.ComparisonTarget, cst.BooleanOperation),
    *(cst.UnaryOperation, cst.BaseNumber, cst.SimpleString, cst.Dot),
    *(cst.BaseCompOp, cst.BaseBooleanOp, cst.BaseUnaryOp),
)
"""What can be asked again elsewhere without doing anything."""

_Test = tuple[cst.BaseExpression, bool]
"""The test of an ``if`` and the answer that leads to the node."""


def condition_at(source: "SourceFile", node: cst.CSTNode, place: cst.CSTNode) -> str | None:
    """The condition under which ``node`` runs whenever its function does, as code for ``place``.

    ``""`` if it always runs; ``None`` where that is not certain or cannot be written there. An
    ``if`` that only picks among the items of a loop is no condition, nor is the one around a main
    program.
    """
    tests = _tests(source, node)
    if tests is None or not all(_means_the_same(source, test, node, place) for test, _ in tests):
        return None
    parts = [_code(source, test, wanted, alone=len(tests) == 1) for test, wanted in tests]
    return " and ".join(reversed(parts))


def _tests(source: "SourceFile", node: cst.CSTNode) -> list[_Test] | None:
    """The tests around a node, from the inside out; ``None`` where something else decides."""
    found: list[_Test] = []
    inner = node
    for outer in source.parents.above(node):
        if isinstance(outer, cst.FunctionDef):
            break
        if isinstance(outer, cst.For):
            found = [(test, wanted) for test, wanted in found if not _picks(source, test, outer)]
        elif isinstance(outer, cst.If):
            found.append((outer.test, inner is outer.body))
        elif not isinstance(outer, _ALWAYS) or not _is_reached(source, outer, inner):
            return None
        inner = outer
    return [(test, wanted) for test, wanted in found if "__name__" not in names_in(test)]


def _is_reached(source: "SourceFile", block: cst.CSTNode, inner: cst.CSTNode) -> bool:
    """Whether no statement of a block may leave it before ``inner``, but for items of a loop."""
    if not isinstance(block, cst.IndentedBlock | cst.Module):
        return True
    earlier = block.body[: list(block.body).index(inner)]  # type: ignore[arg-type]
    return not any(
        _jumps(source, statement) for statement in earlier if not isinstance(statement, _SCOPES)
    )


def _jumps(source: "SourceFile", statement: cst.CSTNode) -> bool:
    """Whether a statement may end the function or the pass of the loop around it."""
    pending = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, cst.Return | cst.Continue | cst.Break):
            above = list(source.parents.above(node))
            test = next((outer.test for outer in above if isinstance(outer, cst.If)), None)
            loop = next((outer for outer in above if isinstance(outer, cst.For)), None)
            if test is None or loop is None or not _picks(source, test, loop):
                return True
        pending += [child for child in children(node) if not isinstance(child, _SCOPES)]
    return False


def _picks(source: "SourceFile", test: cst.CSTNode, loop: cst.For) -> bool:
    """Whether a test is about the items of a loop alone."""
    items, names = names_in(loop.target), names_in(test)
    return bool(names & items) and all(
        name in items or hasattr(builtins, name) or _is_constant(source, name) for name in names
    )


def _is_constant(source: "SourceFile", name: str) -> bool:
    """Whether a name is imported, or stands for literals, in the whole file."""
    values = list(bindings(source.tree, name))
    return bool(values) and all(isinstance(v, cst.ImportAlias) or _is_literal(v) for v in values)


def _is_literal(value: cst.CSTNode) -> bool:
    match value:
        case cst.Assign(value=assigned):
            return _is_literal(assigned)
        case cst.Tuple(elements=parts) | cst.List(elements=parts) | cst.Set(elements=parts):
            return all(_is_literal(part.value) for part in parts)
    return isinstance(value, cst.BaseNumber | cst.SimpleString)


def _means_the_same(
    source: "SourceFile", test: cst.CSTNode, node: cst.CSTNode, place: cst.CSTNode
) -> bool:
    """Whether a test is plain, and its names are bound once and seen at both places."""
    return _is_plain(test) and all(
        hasattr(builtins, name) or _is_shared(source, name, node, place) for name in names_in(test)
    )


def _is_plain(test: cst.CSTNode) -> bool:
    return isinstance(test, _PLAIN) and all(_is_plain(child) for child in children(test))


def _is_shared(source: "SourceFile", name: str, node: cst.CSTNode, place: cst.CSTNode) -> bool:
    here, there = _function(source, node), _function(source, place)
    local = list(bindings(here, name)) if here is not None else []
    if local:
        return here is there and len(local) == 1
    if there is not None and list(bindings(there, name)):
        return False
    return len(list(bindings(source.tree, name, _SCOPES))) == 1


def _function(source: "SourceFile", node: cst.CSTNode) -> cst.FunctionDef | None:
    above = source.parents.above(node)
    return next((outer for outer in above if isinstance(outer, cst.FunctionDef)), None)


def _code(source: "SourceFile", test: cst.BaseExpression, wanted: bool, *, alone: bool) -> str:
    text = source.text(test)
    simple = isinstance(test, cst.Name | cst.Attribute)
    if wanted:
        return text if simple or alone else f"({text})"
    return f"not {text}" if simple else f"not ({text})"
