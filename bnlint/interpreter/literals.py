"""Numbers and strings as they are written."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import libcst as cst

from bnlint.interpreter.machine import EXPRESSIONS, Machine, handles
from bnlint.interpreter.objects import Scope
from bnlint.interpreter.values import Float, Int, Unknown, Value, is_known

CONVERSIONS: Mapping[str | None, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}


@lru_cache(maxsize=8192)
def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    whole = plain.isdigit() or plain[:2].lower() in {"0x", "0b", "0o"}
    return int(plain, 0) if whole else float(plain)


@handles(EXPRESSIONS, cst.Integer, cst.Float)
def _literal(m: Machine, node: cst.Integer | cst.Float, scope: Scope) -> Value:
    known = scope.namespace.literals.get(node)
    if known is not None:
        return known
    try:
        plain = _number(node.value)
    except ValueError:
        return Unknown("number")
    made: Int | Float = Int(plain) if isinstance(plain, int) else Float(plain)
    made.site = m.site(node, scope)
    made.option = None
    scope.namespace.literals[node] = made
    return made


@lru_cache(maxsize=8192)
def _string(text: str) -> str | bytes:
    return cst.SimpleString(text).evaluated_value


@handles(EXPRESSIONS, cst.SimpleString)
def _simple_string(m: Machine, node: cst.SimpleString, scope: Scope) -> Value:
    return _string(node.value)


@handles(EXPRESSIONS, cst.ConcatenatedString)
def _concatenated(m: Machine, node: cst.ConcatenatedString, scope: Scope) -> Value:
    left, right = m.evaluate(node.left, scope), m.evaluate(node.right, scope)
    return left + right if isinstance(left, str) and isinstance(right, str) else Unknown("string")


@handles(EXPRESSIONS, cst.FormattedString)
def _formatted(m: Machine, node: cst.FormattedString, scope: Scope) -> Value:
    text = _joined(m, node.parts, scope)
    return Unknown("formatted string") if text is None else text


def _joined(
    m: Machine, parts: Iterable[cst.BaseFormattedStringContent], scope: Scope
) -> str | None:
    texts = [_part(m, part, scope) for part in parts]
    known = [text for text in texts if text is not None]
    return "".join(known) if len(known) == len(texts) else None


def _part(m: Machine, part: cst.BaseFormattedStringContent, scope: Scope) -> str | None:
    match part:
        case cst.FormattedStringText(value=text):
            return text.replace("{{", "{").replace("}}", "}")
        case cst.FormattedStringExpression(expression=node, conversion=conversion):
            value = m.evaluate(node, scope)
            spec = _joined(m, part.format_spec or (), scope)
            if spec is None or not is_known(value):
                return None
            convert = CONVERSIONS.get(conversion)
            try:
                return format(value if convert is None else convert(value), spec)
            except (TypeError, ValueError):
                return None
    return None
