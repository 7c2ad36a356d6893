"""Which names a statement of a module's body defines, fills, and needs."""

import ast
from collections.abc import Iterable, Iterator, Sequence

from bnlint.vocabulary.filling import filled, registers


def binds(node: ast.stmt, name: str) -> bool:
    """Whether a statement gives a name a value, rather than changing or filling the one it has."""
    match node:
        case ast.AugAssign() | ast.Expr():
            return False
        case ast.Assign(targets=targets):
            return any(isinstance(t, ast.Name) and t.id == name for t in _leaves(targets))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name == name
    inside = list(blocks(node))
    return not inside or any(binds(inner, name) for block in inside for inner in block)


def bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement of a file's body defines or fills."""
    match node:
        case ast.Import(names=aliases):
            return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
        case ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name for alias in aliases} - {"*"}
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
            return set(_bound_in(node.body)) if only_fills(node.body) else set()
    return {name for block in blocks(node) for name in _bound_in(block)}


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


def blocks(node: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """The blocks of a compound statement that are executed once at most."""
    match node:
        case ast.If():
            yield from (node.body, node.orelse)
        case ast.Try():
            yield from (node.body, node.orelse, *(handler.body for handler in node.handlers))
        case ast.With():
            yield node.body


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


def _filled(value: ast.expr) -> Sequence[str]:
    """The names that a call fills."""
    match value:
        case ast.Call(func=ast.Attribute(value=owner, attr=function), args=given):
            return filled(_root(owner), function, _names(given))
        case ast.Call(func=ast.Name(id=function), args=given):
            return filled(None, function, _names(given))
    return ()


def _names(arguments: Iterable[ast.expr]) -> list[str | None]:
    return [each.id if isinstance(each, ast.Name) else None for each in arguments]


def _registry(decorator: ast.expr) -> str | None:
    """``R`` of ``@R.register`` and ``@R.register(...)``."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    named = isinstance(function, ast.Attribute) and registers(function.attr)
    return _root(function) if named else None


def only_fills(body: Iterable[ast.stmt]) -> bool:
    """Whether a loop's body does nothing else than to assign and to fill."""
    for node in body:
        match node:
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
                continue
            case ast.Pass() | ast.Continue() | ast.Break():
                continue
            case ast.Expr(value=value) if isinstance(value, ast.Constant) or _filled(value):
                continue
            case ast.If() if only_fills(node.body) and only_fills(node.orelse):
                continue
            case ast.For() if only_fills(node.body):
                continue
        return False
    return True


def is_harmless(node: ast.stmt) -> bool:
    """Whether a statement only defines, and calls nothing."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Import() | ast.ImportFrom() | ast.Pass():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return not any(isinstance(part, ast.Call) for part in ast.walk(value))
    inside = list(blocks(node))
    return bool(inside) and all(is_harmless(inner) for block in inside for inner in block)


def mentions(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression holds one of some names."""
    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))
