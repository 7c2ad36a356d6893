"""FormatValues as text: ``str.format``, ``%`` and f-strings, without a look at any attribute or item."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from string import Formatter
from typing import Any, TypeAlias

from bnlint.interpreter.evaluation.allowance import LONGEST_TEXT, NotPlain, TooLarge

Fields: TypeAlias = Iterable[tuple[str, str | None, str | None, str | None]]

WIDEST = 1_000
"""The largest width or precision of a format."""
CONVERSIONS: Mapping[str | None, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
_NUMBERS = re.compile(r"\d+")
_PERCENT = re.compile(r"%(?:\([^()]*\))?[#0\- +]*(\*|\d*)(?:\.(\*|\d*))?[hlL]?(.)", re.DOTALL)
_KINDS = "diouxXeEfFgGcrsa%"
_SHORT = 80
"""Characters that any number, or one character of a string, may become."""


def shown(value: object, how: Callable[[object], str] = str) -> str:
    """``str(value)`` and the like; sets have no order, so their text is not known."""
    require_order(value)
    return how(value)


def require_order(value: object) -> None:
    """Raise :class:`NotPlain` for a set of several items: their order is that of one process."""
    match value:
        case set() | frozenset():
            if len(value) > 1:
                raise NotPlain("a set")
            require_order(tuple(value))
        case list() | tuple():
            for item in value:
                require_order(item)
        case dict():
            require_order(tuple(value.keys()))
            require_order(tuple(value.values()))


def format_one(value: object, spec: str = "", conversion: str | None = None) -> str:
    """``format(value, spec)`` behind a conversion (``r``, ``s``, ``a`` or none)."""
    if any(len(number) > 4 or int(number) > WIDEST for number in _NUMBERS.findall(spec)):
        raise TooLarge
    if conversion is not None:
        value = shown(value, CONVERSIONS[conversion])
    else:
        require_order(value)
    return format(value, spec)


def concatenated(parts: Iterable[str]) -> str:
    """The parts as one text; raises :class:`TooLarge` as soon as it is too long."""
    made: list[str] = []
    length = 0
    for part in parts:
        made.append(part)
        length += len(part)
        if length > LONGEST_TEXT:
            raise TooLarge
    return "".join(made)


def formatted(template: str, /, *arguments: object, **keywords: object) -> str:
    """``template.format(...)``; fields are numbers or names alone.

    Raises:
        NotPlain: a field looks into a value.
        ValueError, IndexError, KeyError: as ``str.format`` does.
    """
    return concatenated(_fields(template, FormatValues(arguments, keywords), 2))


class FormatValues:
    """The arguments of one ``format``; fields without a number are counted."""

    def __init__(self, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> None:
        self._arguments = arguments
        self._keywords = keywords
        self._next: int | None = 0

    def of(self, field: str) -> object:
        """The value that a field means."""
        if field == "":
            return self._arguments[self._count()]
        if field.isascii() and field.isdigit():
            if self._next:
                raise ValueError("numbered fields after counted ones")
            self._next = None
            return self._arguments[int(field)]
        if not field.isidentifier():
            raise NotPlain("a field that looks into a value")
        return self._keywords[field]

    def _count(self) -> int:
        if self._next is None:
            raise ValueError("counted fields after numbered ones")
        self._next += 1
        return self._next - 1


def _fields(template: str, values: FormatValues, depth: int) -> Iterator[str]:
    if depth == 0:
        raise ValueError("fields nest too deep")
    fields: Fields = Formatter().parse(template)
    for literal, field, spec, conversion in fields:
        yield literal
        if field is None:
            continue
        value = values.of(field)
        made = spec or ""
        if "{" in made:
            made = concatenated(_fields(made, values, depth - 1))
        yield format_one(value, made, conversion)


def percent(template: Any, values: Any) -> Any:
    """``template % values``, of strings."""
    if not isinstance(template, str):
        raise NotPlain("bytes")
    require_order(values)
    found = [(m[1], m[2] or "", m[3]) for m in _PERCENT.finditer(template)]
    if any("*" in (width, precision) or kind not in _KINDS for width, precision, kind in found):
        raise NotPlain("a width that is an argument, or no format")
    numbers = [number for width, precision, _ in found for number in (width, precision) if number]
    if any(len(number) > 4 or int(number) > WIDEST for number in numbers):
        raise TooLarge
    text = sum(kind != "%" for _, _, kind in found) * _extent(values)
    if len(template) + sum(map(int, numbers)) + text > 8 * LONGEST_TEXT:
        raise TooLarge
    return template % values


def _extent(value: object) -> int:
    """At most so many characters a value becomes."""
    match value:
        case str() | bytes():
            return 10 * len(value) + 4
        case int():
            return value.bit_length() // 3 + 4
        case list() | tuple():
            return sum(map(_extent, value)) + 2 * len(value) + 2
        case dict():
            return _extent([*value.keys(), *value.values()])
        case set() | frozenset():
            return _extent(list(value)) + 16
    return _SHORT
