"""``eval`` of a text that is known: a name, a call of one, or plain data."""

import ast

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.config_files.data_reading import loaded
from bnlint.interpreter.python.name_lookup import look_up

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


def _parsed(text: str) -> ast.expr | None:
    if len(text) > LONGEST:
        return None
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


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
