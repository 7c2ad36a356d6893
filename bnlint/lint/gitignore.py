"""Patterns with the meaning of .gitignore, matched without trying one thing after another.

git's own matcher is bounded; what a pattern becomes here is as well: an expression whose every
choice is final. After a star the first place where the literal part behind it fits is as good as any
other, because the next star takes whatever is left; the same holds for folders and ``**``.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from bnlint.immutable import immutable

_SPECIAL = re.compile(r"[*?\[\\]")
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t-\\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_STAR, _FOLDERS, _SLASH = "*", "**", "/"
_NO_SLASH = "[^/]"


@immutable
class IgnorePattern:
    """One line. ``frees`` says that it begins with ``!``, ``folder`` that it ends in ``/``.

    ``anchored`` says that it is about the whole path, not about the last name in it. ``literal`` is
    what it says where nothing in it is special, else ``expression`` tells what it matches.
    """

    frees: bool
    folder: bool
    anchored: bool
    literal: str | None
    expression: re.Pattern[str] | None

    def matches(self, path: str, *, folder: bool) -> bool:
        """Whether it is about a path, relative to its root and with ``/``."""
        if self.folder and not folder:
            return False
        subject = path if self.anchored else path.rpartition("/")[2]
        if self.expression is None:
            return subject == self.literal
        return self.expression.match(subject) is not None


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a .gitignore that are patterns."""
    for line in text.removeprefix("\ufeff").split("\n"):
        stripped = _without_blanks(line.removesuffix("\r"))
        if stripped and not stripped.startswith("#"):
            yield stripped


def parse(line: str) -> IgnorePattern | None:
    """Read a pattern; ``None`` for one that git never matches, such as ``a[``."""
    frees = line.startswith("!")
    body = line.removeprefix("!")
    folder = body.endswith("/")
    body = body.removesuffix("/")
    anchored = "/" in body
    body = body.removeprefix("/")
    if not body:
        return None
    if not _SPECIAL.search(body):
        return IgnorePattern(frees, folder, anchored, body, None)
    try:
        expression = re.compile(_expression(list(_tokens(body))), re.DOTALL)
    except ValueError:
        return None
    return IgnorePattern(frees, folder, anchored, None, expression)


def verdict(patterns: Iterable[IgnorePattern], path: str, *, folder: bool) -> bool | None:
    """What the first of the patterns that is about a path says; give them last one first."""
    for pattern in patterns:
        if pattern.matches(path, folder=folder):
            return not pattern.frees
    return None


def _without_blanks(line: str) -> str:
    """Leave out blanks at the end that no backslash protects."""
    stripped = line.rstrip(" ")
    if stripped == line:
        return line
    slashes = sum(1 for _ in takewhile(lambda character: character == "\\", reversed(stripped)))
    return stripped + " " if slashes % 2 else stripped


def _tokens(body: str) -> Iterator[str]:
    """Yield stars, slashes, and an expression for each other character.

    Raises ``ValueError`` for a set without an end and for a backslash at the end.
    """
    place = 0
    while place < len(body):
        character = body[place]
        if character == "*":
            stars, place = place, _behind(body, place, "*")
            begins = body[stars - 1 : stars] in ("", "/")
            ends = place == len(body) or body.startswith(("/", "\\/"), place)
            yield _FOLDERS if place - stars > 1 and begins and ends else _STAR
        elif character == "[":
            expression, place = _set(body, place + 1)
            yield expression
        elif character == "?":
            yield _NO_SLASH
            place += 1
        else:
            place += character == "\\"
            if place == len(body):
                raise ValueError("nothing after the backslash")
            yield _SLASH if body[place] == "/" else re.escape(body[place])
            place += 1


def _behind(body: str, place: int, character: str) -> int:
    """Return the first place where another character stands."""
    while body[place : place + 1] == character:
        place += 1
    return place


def _set(body: str, place: int) -> tuple[str, int]:
    """Read ``[a-z]`` from behind its bracket; the expression, and the place behind it."""
    negated = body[place : place + 1] in ("!", "^")
    place += negated
    members: list[str] = []
    before = ""
    first = True
    while first or body[place : place + 1] != "]":
        member, before, place = _member(body, place, before)
        members.append(member)
        first = False
    inside = "".join(members)
    if negated:
        return f"[^/{inside}]", place + 1
    return (f"(?!/)[{inside}]" if inside else "(?!)"), place + 1


def _member(body: str, place: int, before: str) -> tuple[str, str, int]:
    """Read one member of a set; its expression, what a range would begin with, the next place."""
    named = re.compile(r"\[:([^\]]*):\]").match(body, place)
    if named:
        if named[1] not in _CLASSES:
            raise ValueError("no such class of characters")
        return _CLASSES[named[1]], "", named.end()
    if body[place : place + 1] == "-" and before and body[place + 1 : place + 2] not in ("", "]"):
        last, place = _character(body, place + 1)
        return (f"{re.escape(before)}-{re.escape(last)}" if before <= last else ""), "", place
    character, place = _character(body, place)
    return re.escape(character), character, place


def _character(body: str, place: int) -> tuple[str, int]:
    place += body[place : place + 1] == "\\"
    if place >= len(body):
        raise ValueError("the set has no end")
    return body[place], place + 1


def _expression(tokens: list[str]) -> str:
    """What a pattern matches: groups of folders, with any folders in between where it says so."""
    groups: list[list[str]] = [[]]
    for segment in _split(tokens, _SLASH):
        if not segment:
            raise ValueError("a folder without a name")
        if segment == [_FOLDERS]:
            groups.append([])
        else:
            groups[-1].append(_segment(segment))
    first, *others = groups
    if not others:
        return "/".join(first) + r"\Z"
    *middle, last = others
    parts = [f"{segment}/" for segment in first]
    for group in filter(None, middle):
        parts.append(f"(?>(?:[^/]++/)*?{''.join(f'{segment}/' for segment in group)})")
    parts.append("(?:[^/]++/)*" + "/".join(last) if last else ".+")
    return "".join(parts) + r"\Z"


def _segment(tokens: list[str]) -> str:
    """What one name in a path has to look like."""
    head, *others = ("".join(part) for part in _split(tokens, _STAR))
    if not others:
        return head
    *middle, last = others
    commits = "".join(f"(?>[^/]*?{part})" for part in middle if part)
    return f"(?>{head}{commits}[^/]*{last}(?![^/]))"


def _split(tokens: list[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
