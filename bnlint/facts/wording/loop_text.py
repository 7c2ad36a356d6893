"""What loops go through, by their text."""

import ast

from bnlint.facts.wording.parsed_code import statements


def goes_through_samples(batches: str, loop: str) -> bool:
    """Whether a loop within ``for x, y in loader`` is ``for a, b in zip(x, y)`` or ``for i in range(len(x))``."""
    outer, inner = _loop(batches), _loop(loop)
    if outer is None or inner is None:
        return False
    names = {node.id for node in ast.walk(outer.target) if isinstance(node, ast.Name)}
    match inner.iter:
        case ast.Call(ast.Name("zip"), zipped):
            given = [node.id for node in zipped if isinstance(node, ast.Name)]
            return len(zipped) > 1 and len(given) == len(zipped) and names.issuperset(given)
        case ast.Call(ast.Name("range"), [size]):
            return _size_of(size) in names
    return False


def _size_of(node: ast.expr) -> str | None:
    """``x`` in ``len(x)``, ``x.size(0)`` and ``x.shape[0]``."""
    match node:
        case ast.Call(ast.Name("len"), [ast.Name(name)]):
            return name
        case ast.Call(ast.Attribute(ast.Name(name), "size"), [ast.Constant(0)]):
            return name
        case ast.Subscript(ast.Attribute(ast.Name(name), "shape"), ast.Constant(0)):
            return name
    return None


def _loop(code: str) -> ast.For | None:
    match statements(code):
        case [ast.For() as loop]:
            return loop
    return None
