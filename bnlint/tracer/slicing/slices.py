"""What each top-level name of a file needs: the statements that define it, and none that only act.

A script that trains when it is run is never run: of its body only the statements that a model's
code asks for are executed (see :mod:`bnlint.tracer.slicing.lazy_globals`). These are imports, functions, classes,
assignments, and calls that fill something (``parser.add_argument(...)``, ``table.update(...)``),
within ``if``, ``try`` and ``with`` too. Loops count where they do nothing else than fill tables.
"""

import __future__

import ast
import copy
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import TypeVar

from bnlint.immutable import immutable
from bnlint.tracer.slicing.statement_bindings import blocks, bound_names, is_harmless, mentions

ASYNC_ARGUMENT = re.compile(r"([(,]\s*)async(?=\s*=(?!=))")
"""``x.cuda(async=True)``, from before Python 3.7."""
GUARDS = {"TYPE_CHECKING"}
Node = TypeVar("Node", bound=ast.AST)


@immutable
class Outline:
    """A file's body by the names that it defines.

    ``definitions`` are each name's statements, in order; ``late`` are those under
    ``if __name__ == "__main__"``, for names that nothing else defines. ``listed`` are the names that
    only functions, classes, imports and constants define, so that it is safe to evaluate them all.
    ``flags`` are what ``from __future__`` asks of the compiler.
    """

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    late: dict[str, list[ast.stmt]] = field(default_factory=dict)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    flags: int = 0


def outline(text: str, file: str) -> Outline:
    """Read a file's top level; raises ``SyntaxError``, also for Python 2."""
    body = _parsed(text, file).body
    found = Outline(flags=sum(_flags(body)))
    for node in body:
        match node:
            case ast.If(test=test) if mentions(test, {"__name__"}):
                _collect(node.body, found.late, found.stars)
            case _:
                _collect([node], found.definitions, found.stars)
    found.listed.extend(
        name for name, nodes in found.definitions.items() if all(map(is_harmless, nodes))
    )
    return found


def _parsed(text: str, file: str) -> ast.Module:
    try:
        return ast.parse(text, file)
    except SyntaxError:
        substitute = ASYNC_ARGUMENT.sub(r"\1asynk", text)
        if substitute == text:
            raise
    return ast.parse(substitute, file)


def _flags(body: Sequence[ast.stmt]) -> Iterator[int]:
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield from (getattr(__future__, alias.name).compiler_flag for alias in node.names)


def _collect(
    body: Iterable[ast.stmt], into: dict[str, list[ast.stmt]], stars: list[ast.ImportFrom]
) -> None:
    for node in _one_import_each(body):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            stars.append(node)
            continue
        for name in bound_names(node):
            pruned = _pruned(node, name)
            if pruned is not None:
                into.setdefault(name, []).append(pruned)
        stars.extend(star for block in blocks(node) for star in _stars_in(block))


def _one_import_each(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """One that fails must not take others with it."""
    for node in body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            yield node
            continue
        for alias in node.names:
            single = copy.copy(node)
            single.names = [alias]
            yield single


def _stars_in(body: Iterable[ast.stmt]) -> Iterator[ast.ImportFrom]:
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            yield node


def _pruned(node: ast.stmt, name: str) -> ast.stmt | None:
    """A statement with only those parts of it that define a name."""
    match node:
        case ast.If(test=test):
            if mentions(test, GUARDS):
                return None
            return _with(node, body=_kept(node.body, name), orelse=_kept(node.orelse, name))
        case ast.Try():
            handlers = [_with(each, body=_kept(each.body, name)) for each in node.handlers]
            body = _kept(node.body, name, imports=True)
            rest = _kept(node.orelse, name)
            return _with(node, body=body, handlers=handlers, orelse=rest, finalbody=[])
        case ast.With():
            return _with(node, body=_kept(node.body, name))
    return node


def _kept(body: Sequence[ast.stmt], name: str, *, imports: bool = False) -> list[ast.stmt]:
    if not body:
        return []
    kept = [
        pruned
        for node in body
        if name in bound_names(node) or (imports and isinstance(node, ast.Import | ast.ImportFrom))
        if (pruned := _pruned(node, name)) is not None
    ]
    return kept or [ast.copy_location(ast.Pass(), body[0])]


def _with(node: Node, **fields: object) -> Node:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made
