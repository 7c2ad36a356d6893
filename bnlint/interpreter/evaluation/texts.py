"""Methods of strings and bytes, their results measured before they are made."""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bnlint.interpreter.evaluation.allowance import LONGEST_TEXT, require
from bnlint.interpreter.evaluation.formatting import formatted, require_order, shown

Text = Any
"""``str`` or ``bytes``."""
MOST_SEARCHED = 10_000_000
"""Product of the lengths of a text and of what is looked for in it."""
CODECS = frozenset({"utf-8", "utf8", "ascii", "latin-1", "latin1"})


def long(length: int) -> None:
    """Refuse a text that would be too long."""
    require(length <= LONGEST_TEXT)


def has_part(text: Text, part: Text) -> bool:
    """``part in text``."""
    searched(text, part)
    return part in text


def searched(text: Text, *parts: object) -> None:
    """Refuse a search that may take long."""
    for part in parts:
        if isinstance(part, str | bytes):
            require(len(text) * len(part) <= MOST_SEARCHED)
        elif isinstance(part, tuple):
            searched(text, *part)


def joined(separator: Text, parts: Sequence[Text]) -> Text:
    """``separator.join(parts)``."""
    require_order(parts)
    items = list(parts)
    long(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


def replaced(text: Text, old: Text, new: Text, count: Any = -1) -> Text:
    """``text.replace(old, new)``."""
    searched(text, old)
    found = text.count(old)
    long(len(text) + found * max(0, len(new) - len(old)))
    return text.replace(old, new, count)


def padded(name: str) -> Callable[..., Text]:
    """``center`` and the like."""

    def pad(text: Text, width: Any, *rest: Any) -> Text:
        long(width)
        return getattr(text, name)(width, *rest)

    return pad


def expanded(text: Text, tabsize: Any = 8) -> Text:
    """``text.expandtabs(tabsize)``."""
    tabs = text.count("\t" if isinstance(text, str) else b"\t")
    long(len(text) + tabs * max(0, tabsize))
    return text.expandtabs(tabsize)


def encoded(text: str, encoding: str = "utf-8") -> bytes:
    """``text.encode(encoding)``, of codecs that take no time."""
    require(encoding.lower() in CODECS)
    return text.encode(encoding)


def decoded(raw: bytes, encoding: str = "utf-8") -> str:
    """``raw.decode(encoding)``."""
    require(encoding.lower() in CODECS)
    return raw.decode(encoding)


def text_of(value: Any = "", *codec: Any) -> str:
    """``str``."""
    return decoded(value, *codec) if codec else shown(value, str)


def _searching(name: str) -> Callable[..., Any]:
    """A method that looks for its arguments in the text."""

    def search(text: Text, /, *arguments: Any, **keywords: Any) -> Any:
        searched(text, *arguments, *keywords.values())
        return getattr(text, name)(*arguments, **keywords)

    return search


def _simple(name: str) -> Callable[..., Any]:
    """A method whose result is about as large as the text."""

    def call(text: Text, /, *arguments: Any, **keywords: Any) -> Any:
        return getattr(text, name)(*arguments, **keywords)

    return call


_SIMPLE = """lower upper title capitalize swapcase casefold isalpha isalnum isascii isdecimal isdigit
isidentifier islower isnumeric isprintable isspace istitle isupper splitlines hex""".split()
_SEARCHING = """count find rfind index rindex split rsplit partition rpartition strip lstrip rstrip
startswith endswith removeprefix removesuffix""".split()
_PADDING = ("center", "ljust", "rjust", "zfill")

METHODS: Mapping[str, Callable[..., Any]] = {
    **{name: _simple(name) for name in _SIMPLE},
    **{name: _searching(name) for name in _SEARCHING},
    **{name: padded(name) for name in _PADDING},
    "join": joined,
    "replace": replaced,
    "expandtabs": expanded,
    "encode": encoded,
    "decode": decoded,
    "format": formatted,
}
"""Methods by name; the text comes first. None of them is looked up by a name that is not here."""


def path_joined(*parts: str) -> str:
    """``os.path.join``."""
    long(sum(map(len, parts)) + len(parts))
    return posixpath.join(*parts)


PATHS: Mapping[str, Callable[..., Any]] = {
    "join": path_joined,
    "basename": posixpath.basename,
    "dirname": posixpath.dirname,
    "splitext": posixpath.splitext,
}
