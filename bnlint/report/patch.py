"""What fixes change: beside a finding as an inline diff, for whole files as a unified diff."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bnlint.finding import Edit
from bnlint.immutable import immutable
from bnlint.lint.fixer import edited
from bnlint.lint.text_lines import Listing, split

_CONTEXT = 1
_LONGEST = 4_000
"""Characters that an inline diff is made of; nobody reads that of longer lines."""
_SHORT = dict(zip('\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True))


@immutable
class DiffRow:
    """One line of an inline diff; ``sign`` is ``-``, ``+`` or ``|``, a removed one has no number."""

    number: int | None
    sign: str
    text: str


@immutable
class _Window:
    """Edits near each other, and the lines from ``first`` to ``last`` that they are shown in."""

    edits: tuple[Edit, ...]
    first: int
    last: int


def hunks(listing: Listing, edits: Iterable[Edit]) -> list[list[DiffRow]]:
    """Return an inline diff for each place of a file that the edits change."""
    shift = 0
    found = []
    for window in _windows(listing, edits):
        if listing.end(window.last) - listing.start(window.first) > _LONGEST:
            continue
        rows = list(_rows(listing, window, shift))
        shift += sum(row.sign == "+" for row in rows) - sum(row.sign == "-" for row in rows)
        found.append(_without_blank_edges(rows))
    return [rows for rows in found if rows]


def unified(path: str, before: str, after: str) -> str:
    """Return what ``patch -p1`` and ``git apply`` need to change the file."""
    from difflib import unified_diff

    old, new = split(before), split(after)
    diff = unified_diff(old, new, _named("a", path), _named("b", path))
    return "".join(
        line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n"
        for line in diff
    )


def _named(side: str, path: str) -> str:
    """Name a file as git does: in quotes unless it is plain ASCII; a tab ends a name with blanks."""
    name = f"{side}/{path.lstrip('/')}"
    if name.isascii() and name.isprintable() and not {'"', "\\"} & set(name):
        return name + ("\t" if " " in name else "")
    return '"' + "".join(map(_quoted, os.fsencode(name))) + '"'


def _quoted(byte: int) -> str:
    character = chr(byte)
    if character in _SHORT:
        return "\\" + _SHORT[character]
    return character if character.isascii() and character.isprintable() else f"\\{byte:03o}"


def _without_blank_edges(rows: list[DiffRow]) -> list[DiffRow]:
    said = [place for place, row in enumerate(rows) if row.sign != "|" or row.text.strip()]
    return rows[said[0] : said[-1] + 1] if said else []


def _windows(listing: Listing, edits: Iterable[Edit]) -> Iterator[_Window]:
    window: _Window | None = None
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        first = max(1, listing.places.place(edit.start)[0] - _CONTEXT)
        last = min(len(listing), listing.places.place(edit.end)[0] + _CONTEXT)
        if window is not None and first <= window.last + 1:
            window = replace(window, edits=(*window.edits, edit), last=max(last, window.last))
            continue
        if window is not None:
            yield window
        window = _Window((edit,), first, last)
    if window is not None:
        yield window


def _rows(listing: Listing, window: _Window, shift: int) -> Iterator[DiffRow]:
    from difflib import SequenceMatcher

    old = [listing.line(number) for number in range(window.first, window.last + 1)]
    start = listing.start(window.first)
    within = [
        replace(edit, start=edit.start - start, end=edit.end - start) for edit in window.edits
    ]
    changed = edited("".join(old), within)
    if changed is None:
        return
    new = split(changed)
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            for number in range(k, m):
                yield DiffRow(window.first + number + shift, "|", new[number])
            continue
        for number in range(i, j):
            yield DiffRow(None, "-", old[number])
        for number in range(k, m):
            yield DiffRow(window.first + number + shift, "+", new[number])
