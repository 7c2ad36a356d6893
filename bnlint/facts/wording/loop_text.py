"""What loops go through, by their text."""

import ast

from bnlint.facts.wording.parsed_code import expression, statements


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


def hands_over_dict(loop: str, call: str, function: str, forward: str) -> bool:
    """Whether ``for batch in loader: step(net, batch)`` calls a function that gives ``batch["image"]`` to a network.

    ``forward`` is the network's call in ``function``.
    """
    outer, given, run = _loop(loop), expression(call), expression(forward)
    defined = next(iter(statements(function)), None)
    if outer is None or not isinstance(given, ast.Call) or not isinstance(run, ast.Call):
        return False
    target = outer.target.elts[-1] if isinstance(outer.target, ast.Tuple) else outer.target
    if not isinstance(target, ast.Name) or not isinstance(defined, ast.FunctionDef):
        return False
    names = _parameters_for(target.id, given, defined)
    return any(
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        for argument in (*run.args, *(keyword.value for keyword in run.keywords))
        for node in ast.walk(argument)
    )


def _parameters_for(name: str, call: ast.Call, function: ast.FunctionDef) -> set[str]:
    """The parameters of a function, or a method, that get the object called ``name``."""
    own = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if own[:1] in (["self"], ["cls"]):
        own = own[1:]
    pairs = [*zip(own, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
    return {p for p, a in pairs if p is not None and isinstance(a, ast.Name) and a.id == name}
