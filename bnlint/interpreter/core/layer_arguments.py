"""Constructor arguments as rules see them."""

from collections.abc import Container
from types import EllipsisType

from bnlint.facts.types.site import NOT_KNOWN, Argument, Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Scope
from bnlint.interpreter.core.values import Float, Int, PathText, Share, Text, Value
from bnlint.interpreter.evaluation import fits


def argument_fact(m: Machine, name: str, bound: Bound, scope: Scope) -> Argument:
    """An argument that was written in the code of ``scope``."""
    site = m.site(bound.node, scope) if bound.node is not None else None
    return make_argument(name, bound, site, m.journal.numbers)


def make_argument(
    name: str, bound: Bound, site: Site | None, shared: Container[Site] = frozenset()
) -> Argument:
    """An argument whose value stands at ``site``; ``shared`` are numbers of several uses."""
    value = bound.value
    origin, option = origin_of(value)
    if origin is not None and site is not None and origin.node is site.node:
        origin = None
    given_by = value.given_by if isinstance(value, Int | Float | Text) else None
    divided = value.whole if isinstance(value, Share) else None
    return Argument(
        name, plain(value), site, bound.positional, origin, option, given_by, shared, divided
    )


def origin_of(value: Value) -> tuple[Site | None, str | None]:
    """Where a number was written, and the command-line option that it is the default of."""
    match value:
        case Int() | Float():
            return value.site, value.option
        case Text():
            return None, value.option
        case Share():
            return value.site, None
    return None, None


def plain(value: Value) -> object:
    """A known value without its origin, or ``NOT_KNOWN``."""
    match value:
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str(value)
        case list() | tuple() if fits(value):
            return tuple(plain(item) for item in value)
        case slice() | EllipsisType():
            return value
    return NOT_KNOWN


def with_site(
    value: Value, site: Site, option: str | None = None, given_by: str | None = None
) -> Value:
    """A number with another origin: the default of an option, or given in other words."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        made: Int | Float = Int(value)
    elif isinstance(value, float):
        made = Float(value)
    elif isinstance(value, str):
        text = PathText(value) if isinstance(value, PathText) else Text(value)
        text.option, text.given_by = option, given_by
        return text
    else:
        return value
    made.site = value.site if isinstance(value, Int | Float) else site
    made.option, made.given_by = option, given_by
    return made
