"""What each top-level name of a file needs: the statements that define it, and none that only act.

A script that trains when it is run is never run: of its body only the statements that a model's
code asks for are executed (see :mod:`bnlint.tracer.names`). These are imports, functions, classes,
assignments, and calls that fill something (``parser.add_argument(...)``, ``table.update(...)``),
within ``if``, ``try`` and ``with`` too. Loops count where they do nothing else than fill tables.
"""

import __future__

import ast
import copy
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

ASYNC_ARGUMENT = re.compile(rb"([(,]\s*)async(?=\s*=(?!=))")
"""``x.cuda(async=True)``, from before Python 3.7."""
FILLING = frozenset(
    """add add_argument add_argument_group add_mutually_exclusive_group add_parser add_subparsers
    append appendleft extend freeze insert merge_from_file merge_from_list register register_module
    setdefault set_defaults update""".split()
)
"""Methods that fill what they are called on and do nothing else."""
SETTING_UP = re.compile(
    r"(add|set|update|reset|merge|fill|extend|register|init|define)"
    r".*(arg|opt|conf|cfg|param|default|flag|regist)"
)
"""Names of functions that fill an argument: ``add_options(parser)``, ``update_config(cfg)``."""
GUARDS = {"TYPE_CHECKING"}
Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
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


def outline(text: bytes, file: str) -> Outline:
    """Read a file's top level; raises ``SyntaxError``, also for Python 2."""
    body = _parsed(text, file).body
    found = Outline(flags=sum(_flags(body)))
    for node in body:
        match node:
            case ast.If(test=test) if _mentions(test, {"__name__"}):
                _collect(node.body, found.late, found.stars)
            case _:
                _collect([node], found.definitions, found.stars)
    found.listed.extend(
        name for name, nodes in found.definitions.items() if all(map(_is_harmless, nodes))
    )
    return found


def names_at_once(node: ast.stmt) -> Iterator[str]:
    """The names that executing a definition looks up at once, not when what it defines is called."""
    pending: list[ast.AST] = [node]
    while pending:
        current = pending.pop()
        match current:
            case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args):
                pending.extend([args, *current.decorator_list])
                pending.extend([current.returns] if current.returns is not None else [])
            case ast.Lambda(args=args):
                pending.append(args)
            case ast.Name(id=name, ctx=ast.Load()):
                yield name
            case _:
                pending.extend(ast.iter_child_nodes(current))


def binds(node: ast.stmt, name: str) -> bool:
    """Whether a statement gives a name a value, rather than changing or filling the one it has."""
    match node:
        case ast.AugAssign() | ast.Expr():
            return False
        case ast.Assign(targets=targets):
            return any(isinstance(t, ast.Name) and t.id == name for t in _leaves(targets))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name == name
    blocks = list(_blocks(node))
    return not blocks or any(binds(inner, name) for block in blocks for inner in block)


def bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement of a file's body defines or fills."""
    match node:
        case ast.Import(names=aliases):
            return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
        case ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name for alias in aliases}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name, *(root for each in node.decorator_list if (root := _registry(each)))}
        case ast.Assign(targets=targets, value=value):
            return {*_targets(targets), *_filled(value)}
        case ast.AnnAssign(target=target, value=ast.expr()) | ast.AugAssign(target=target):
            return set(_targets([target]))
        case ast.Expr(value=value):
            return set(_filled(value))
        case ast.With(items=items, body=body):
            given = [item.optional_vars for item in items if item.optional_vars is not None]
            return {*_targets(given), *_bound_in(body)}
        case ast.For() | ast.While():
            return set(_bound_in(node.body)) if _only_fills(node.body) else set()
    return {name for block in _blocks(node) for name in _bound_in(block)}


# -- collecting -------------------------------------------------------------------------------


def _parsed(text: bytes, file: str) -> ast.Module:
    try:
        return ast.parse(text, file)
    except SyntaxError:
        substitute = ASYNC_ARGUMENT.sub(rb"\1asynk", text)
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
        stars.extend(star for block in _blocks(node) for star in _stars_in(block))


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
            if _mentions(test, GUARDS):
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


def _blocks(node: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    match node:
        case ast.If():
            yield from (node.body, node.orelse)
        case ast.Try():
            yield from (node.body, node.orelse, *(handler.body for handler in node.handlers))
        case ast.With():
            yield node.body


# -- what statements define -------------------------------------------------------------------


def _bound_in(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        yield from bound_names(node)


def _targets(targets: Iterable[ast.expr]) -> Iterator[str]:
    """The names that assignment targets bind or change."""
    for target in _leaves(targets):
        if (root := _root(target)) is not None:
            yield root


def _leaves(targets: Iterable[ast.expr]) -> Iterator[ast.expr]:
    for target in targets:
        match target:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                yield from _leaves(parts)
            case ast.Starred(value=inner):
                yield from _leaves([inner])
            case _:
                yield target


def _root(node: ast.expr) -> str | None:
    """``a`` of ``a.b[c].d``."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _filled(value: ast.expr) -> Iterator[str]:
    """The names that a call fills: ``table.update(...)``, ``add_options(parser)``."""
    match value:
        case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in FILLING:
            if (root := _root(owner)) is not None:
                yield root
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            if SETTING_UP.match(name.lower()):
                yield from (each.id for each in arguments if isinstance(each, ast.Name))
        case ast.Call(func=ast.Name(id="setattr"), args=[ast.Name(id=name), *_]):
            yield name


def _registry(decorator: ast.expr) -> str | None:
    """``R`` of ``@R.register`` and ``@R.register(...)``."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    named = isinstance(function, ast.Attribute) and function.attr in FILLING
    return _root(function) if named else None


def _only_fills(body: Iterable[ast.stmt]) -> bool:
    """Whether a loop's body does nothing else than to assign and to fill."""
    for node in body:
        match node:
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                continue
            case ast.Pass() | ast.Continue() | ast.Break():
                continue
            case ast.Expr(value=value) if isinstance(value, ast.Constant) or any(_filled(value)):
                continue
            case ast.If() if _only_fills(node.body) and _only_fills(node.orelse):
                continue
            case ast.For() if _only_fills(node.body):
                continue
        return False
    return True


def _is_harmless(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Import() | ast.ImportFrom() | ast.Pass():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return not any(isinstance(part, ast.Call) for part in ast.walk(value))
    blocks = list(_blocks(node))
    return bool(blocks) and all(_is_harmless(inner) for block in blocks for inner in block)


def _mentions(node: ast.expr, names: set[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))
