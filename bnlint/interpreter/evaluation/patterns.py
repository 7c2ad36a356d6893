"""Regular expressions, where they can be seen not to backtrack for long."""

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from bnlint.interpreter.evaluation.allowance import NotPlain, TooLarge

LONGEST_PATTERN = 200
LONGEST_SEARCHED = 10_000
MOST_TRIED = 1_000_000
"""Ways in which a pattern may be matched against a text."""
_ESCAPE = re.compile(r"\\[^1-9gN]")
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_CHOICES = re.compile(r"[*+?{|]")


def require_quick(pattern: Any, text: Any) -> None:
    """Refuse a pattern that may take long on the text.

    What repeats is a single character or class, and so many of them take at most a power of the
    text's length. Raises :class:`NotPlain` or :class:`TooLarge`.
    """
    if not isinstance(pattern, str) or not isinstance(text, str):
        raise NotPlain("bytes")
    if len(pattern) > LONGEST_PATTERN or len(text) > LONGEST_SEARCHED:
        raise TooLarge
    bare = _CLASS.sub("x", _ESCAPE.sub("x", pattern))
    if "\\" in bare or "(?" in bare or re.search(r"\)[*+?{]", bare):
        raise NotPlain("a pattern that may backtrack")
    if (len(text) + 1) ** (len(_CHOICES.findall(bare)) + 1) > MOST_TRIED:
        raise TooLarge


def split(pattern: Any, string: Any, maxsplit: Any = 0) -> Any:
    """``re.split``."""
    require_quick(pattern, string)
    return re.split(pattern, string, maxsplit=maxsplit)


def find_all(pattern: Any, string: Any) -> Any:
    """``re.findall``."""
    require_quick(pattern, string)
    return re.findall(pattern, string)


def substitute(pattern: Any, repl: Any, string: Any, count: Any = 0) -> Any:
    """``re.sub`` by a text."""
    require_quick(pattern, string)
    if not isinstance(repl, str) or len(repl) > LONGEST_PATTERN:
        raise NotPlain("what it is replaced by")
    return re.sub(pattern, repl, string, count=count)


def _silent(function: Callable[..., Any]) -> Callable[..., Any]:
    """Patterns that Python warns about are not used."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return function(*arguments, **keywords)

    return call


PATTERNS: Mapping[str, Callable[..., Any]] = {
    "split": _silent(split),
    "findall": _silent(find_all),
    "sub": _silent(substitute),
    "escape": lambda pattern: re.escape(pattern),
}
