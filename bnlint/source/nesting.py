"""How deeply code nests, so that no parser is sent into a depth that overflows its stack."""

import re
from collections.abc import Iterator

from bnlint.source.line_index import Lines
from bnlint.source.unreadable import Unreadable

BRACKETS = 200
"""Open brackets at most, which is the limit of CPython's own tokenizer."""

TERMS = 1000
"""Operators, calls, branches and brackets at most that code has inside one another."""

STRING = r"""(?s:
    '{3}[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'{0,3} | "{3}[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{0,3}
    | "(?:[^"\\\r\n]|\\.)*"? | '(?:[^'\\\r\n]|\\.)*'?)"""
"""A string literal without its prefix, as a verbose regular expression."""

_FEW = 100
_PATTERN = re.compile(
    r"^[ \t]*(?:case|del)\b[^()\[\]{}\r\n]*[(\[{](?:[^()\[\]{}]*[(\[{]){7}", re.MULTILINE
)
_SIGNS = b"([{+-*/%@&|^~.'\""
_NOT_SIGNS = bytes(set(range(256)) - set(_SIGNS))
_NOT_OPENING = bytes(set(range(256)) - set(b"([{"))
_WORDS = (
    *("not", "lambda", "else", "and", "await", "for", "if"),
    *("or ", "or\n", "or\r", "or\t", "or\\"),  # without a blank the ends of far too many words
)
_NEW_STATEMENT = re.compile(
    r"^[ \t]*(?:def|class|return|while|with|raise|assert|import|try|except)\b", re.MULTILINE
)
_TOKEN = re.compile(
    r"""(?P<top>^(?:def|class|import)\b)        # no bracket is open at such a line
    | (?P<skipped>\#[^\r\n]*)
    | (?P<prefix>\b(?:[fFtT][rR]?|[rR][fFtT]))?(?P<string>STRING)
    | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<next>[,=]) | (?P<end>[;\r\n])
    | (?P<nested>\b(?:lambda|for)\b)
    | (?P<term>[-+*/%@&|^~.]|\b(?:not|else|and|or|await|if)\b)""".replace("STRING", STRING),
    re.VERBOSE | re.MULTILINE,
)


def check(text: str) -> bool:
    """Return whether code nests so deeply that its parser needs a large stack.

    Raises :class:`Unreadable` when it nests more deeply than any parser is sent.
    """
    if pattern := _PATTERN.search(text):
        # LibCST 1.9 needs time that is exponential in the nesting of patterns and targets of del.
        raise _too_deep(text, pattern.start())
    branches = text.count("elif")
    if branches <= _FEW and all(map(_is_small, _pieces(text))):
        return False
    brackets, terms, offset = deepest(text)
    if brackets > BRACKETS or max(terms, branches) > TERMS:
        raise _too_deep(text, offset)
    return max(terms, branches) > _FEW


def _too_deep(text: str, offset: int) -> Unreadable:
    return Unreadable("the code nests too deeply to be read", *Lines.of(text).place(offset))


def deepest(text: str) -> tuple[int, int, int]:
    """Return the most open brackets, the most nested terms, and the offset of the latter.

    An estimate from tokens alone, hardly ever too low.
    """
    found = _Depth()
    for match in _TOKEN.finditer(text):
        found.take(match)
    return found.brackets, found.terms, found.offset


class _Depth:
    """Terms per open bracket: those that a comma ends, and those that only the bracket ends."""

    def __init__(self) -> None:
        self.brackets = self.terms = self.offset = 0
        self._total = 0
        self._passing = [0]
        self._lasting = [0]

    def take(self, match: re.Match[str]) -> None:
        match match.lastgroup:
            case "term":
                self._passing[-1] += 1
                self._reach(1, match)
            case "next":
                self._total -= self._passing[-1]
                self._passing[-1] = 0
            case "open":
                self._passing[-1] += 1
                self._reach(1, match)
                self._passing.append(0)
                self._lasting.append(0)
                self.brackets = max(self.brackets, len(self._passing) - 1)
            case "close" if len(self._passing) > 1:
                self._total -= self._passing.pop() + self._lasting.pop()
            case "end" if len(self._passing) == 1:
                self._restart()
            case "top":
                self._restart()
            case "nested":
                self._lasting[-1] += 1
                self._reach(1, match)
            case "string":
                self._passing[-1] += 1
                self._reach(1, match)
                if match["prefix"] is not None:
                    self._look_into(match)

    def _reach(self, more: int, match: re.Match[str]) -> None:
        self._total += more
        if self._total > self.terms:
            self.terms, self.offset = self._total, match.start()

    def _restart(self) -> None:
        self._total, self._passing, self._lasting = 0, [0], [0]

    def _look_into(self, match: re.Match[str]) -> None:
        """Count what an f-string holds."""
        brackets, terms, _ = deepest(match["string"].strip("'\""))
        self.brackets = max(self.brackets, len(self._passing) - 1 + brackets)
        self._reach(terms, match)
        self._total -= terms


def _pieces(text: str) -> Iterator[str]:
    """Split code where statements begin, but not inside a string of several lines."""
    piece: list[str] = []
    single = double = 0
    for part in _NEW_STATEMENT.split(text):
        piece.append(part)
        single += part.count("'''")
        double += part.count('"""')
        if single % 2 == 0 and double % 2 == 0:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)


def _is_small(code: str) -> bool:
    """Whether the code has not even enough terms, let alone nested ones."""
    if len(code) < BRACKETS:
        return True
    raw = code.encode("utf-8", "surrogatepass")
    if len(raw.translate(None, _NOT_OPENING)) > BRACKETS:
        return False
    words = sum(map(code.count, _WORDS))
    return len(raw.translate(None, _NOT_SIGNS)) + words <= TERMS
