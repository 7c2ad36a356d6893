"""Numbers and strings as they are written."""

from collections.abc import Iterable
from functools import lru_cache

import libcst as cst

from bnlint.interpreter.core.dispatch import EXPRESSIONS, handles, newer
from bnlint.interpreter.core.knowledge import open_one
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Float, Int, Unknown, Value
from bnlint.interpreter.evaluation import evaluate, in_one, operate
from bnlint.interpreter.evaluation.numbers import LONGEST_NUMBER

LONGEST_REMEMBERED = 1_000
"""Characters of a string literal whose value is kept for other files."""


@lru_cache(maxsize=8192)
def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    whole = plain.isdigit() or plain[:2].lower() in {"0x", "0b", "0o"}
    return int(plain, 0) if whole else float(plain)


@handles(EXPRESSIONS, cst.Integer, cst.Float)
def _literal(m: Machine, node: cst.Integer | cst.Float, scope: Scope) -> Value:
    known = scope.namespace.literals.get(id(node))
    if known is not None:
        return known
    if len(node.value) > LONGEST_NUMBER:
        return Unknown("a very long number")
    try:
        plain = _number(node.value)
    except ValueError:
        return Unknown("number")
    made: Int | Float = Int(plain) if isinstance(plain, int) else Float(plain)
    made.site = m.site(node, scope)
    made.option = None
    scope.namespace.literals[id(node)] = made
    return made


def _string(text: str) -> Value:
    try:
        return cst.SimpleString(text).evaluated_value
    except (SyntaxError, ValueError):  # an escape that only Python 2 takes
        return Unknown("string")


_remembered = lru_cache(maxsize=8192)(_string)


@handles(EXPRESSIONS, cst.SimpleString)
def _simple_string(m: Machine, node: cst.SimpleString, scope: Scope) -> Value:
    text = node.value
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _string(text)


@handles(EXPRESSIONS, cst.ConcatenatedString)
def _concatenated(m: Machine, node: cst.ConcatenatedString, scope: Scope) -> Value:
    left, right = m.evaluate(node.left, scope), m.evaluate(node.right, scope)
    return operate("Add", left, right, m.allowance)


@handles(EXPRESSIONS, cst.Imaginary)
def _imaginary(m: Machine, node: cst.Imaginary, scope: Scope) -> Value:
    return Unknown("imaginary number")


@handles(EXPRESSIONS, *newer("TemplatedString"))
def _template(m: Machine, node: cst.CSTNode, scope: Scope) -> Value:
    """A template string (PEP 750), whose parts are evaluated."""
    for part in node.children:
        if isinstance(expression := getattr(part, "expression", None), cst.BaseExpression):
            m.evaluate(expression, scope)
    return Unknown("template")


@handles(EXPRESSIONS, cst.FormattedString)
def _formatted(m: Machine, node: cst.FormattedString, scope: Scope) -> Value:
    return _joined(m, node.parts, scope)


def _joined(
    m: Machine, parts: Iterable[cst.BaseFormattedStringContent], scope: Scope
) -> str | Unknown:
    texts = [_part(m, part, scope) for part in parts]
    known = [text for text in texts if isinstance(text, str)]
    joined = in_one(known, m.allowance)
    if joined is None or len(known) < len(texts):
        return Unknown("formatted string", None, open_one(texts))
    return joined


def _part(m: Machine, part: cst.BaseFormattedStringContent, scope: Scope) -> Value:
    """The text of a part, or what keeps that from being known."""
    match part:
        case cst.FormattedStringText(value=text):
            return text.replace("{{", "{").replace("}}", "}")
        case cst.FormattedStringExpression(expression=node, conversion=conversion):
            value = m.evaluate(node, scope)
            spec = _joined(m, part.format_spec, scope) if part.format_spec else ""
            made = evaluate("f-string", [value, spec, conversion], m.allowance)
            if isinstance(spec, str) and isinstance(made, str):
                return made
            return open_one([value, spec]) or Unknown("formatted string")
    return Unknown("formatted string")
