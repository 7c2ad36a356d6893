"""``eval`` of a text that is known: a name, a call of one, or plain data; ``exec`` of assignments of such."""

import ast

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.config_files.data_reading import loaded
from bnlint.interpreter.python.name_lookup import bind, look_up, set_attribute

_NO_CODE = (SyntaxError, ValueError, RecursionError, MemoryError)
LONGEST = 200
"""Characters of a text that may call something."""


@library_function("builtins.eval")
def _eval(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    text = arguments.get(0, "source")
    if not isinstance(text, str):
        return Unknown("eval()", site, text)
    tree = _parsed(text)
    if isinstance(tree, ast.Name | ast.Attribute | ast.Call):
        return _value_of(m, tree, site, scope)
    return loaded(m, "literal", str(text), "", site)


@library_function("builtins.exec")
def _exec(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    text = arguments.get(0, "source")
    statements = _statements(text) if isinstance(text, str) and len(arguments.values) == 1 else []
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Attribute(value=owner, attr=name)], value=value):
                made = _value_of(m, value, site, scope)
                held = _value_of(m, owner, site, scope)
                set_attribute(m, held, name, made, site.node, scope)  # type: ignore[arg-type]
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if scope.function is None:
                bind(m, name, _value_of(m, value, site, scope), scope)
            case ast.Expr(value=ast.Call() as call):
                _value_of(m, call, site, scope)
    return None


def _parsed(text: str) -> ast.expr | None:
    if len(text) > LONGEST:
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except _NO_CODE:
        return None


def _statements(text: str) -> list[ast.stmt]:
    if len(text) > LONGEST:
        return []
    try:
        return ast.parse(text.strip()).body
    except _NO_CODE:
        return []


def _value_of(m: Machine, node: ast.expr, site: Site, scope: Scope) -> Value:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return look_up(m, name, scope)
        case ast.Attribute(value=owner, attr=name):
            held = _value_of(m, owner, site, scope)
            return m.attribute(held, name, site.node, scope)  # type: ignore[arg-type]
        case ast.Call(func=function, args=given, keywords=named) if _is_plain(node):
            values = [_value_of(m, value, site, scope) for value in given]
            keywords = {str(k.arg): _value_of(m, k.value, site, scope) for k in named}
            callee = _value_of(m, function, site, scope)
            return m.call(callee, Arguments(values, keywords), site, scope)
    return Unknown("eval()", site)


def _is_plain(call: ast.Call) -> bool:
    """Whether all arguments of a call are written one by one."""
    starred = any(isinstance(value, ast.Starred) for value in call.args)
    return not starred and all(keyword.arg is not None for keyword in call.keywords)
