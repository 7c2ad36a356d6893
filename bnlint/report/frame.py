"""The stretch of code that a finding is about, with line numbers and carets."""

from bnlint.finding import Span
from bnlint.immutable import immutable
from bnlint.lint.text_lines import Listing
from bnlint.report.cells import Cells
from bnlint.style import Style

_WIDEST = 160
_CONTEXT = 2
_LONGEST = 2_000
"""Characters of a line that are laid out: of a longer one, those near what is shown."""


@immutable
class Gutter:
    """The column of line numbers, ``digits`` wide, with a bar on its right."""

    digits: int
    look: Style

    def line(self, number: int | None, text: str = "", sign: str = "|") -> str:
        """Return a line with its number, if it has one."""
        label = f"{number or '':>{self.digits}} {sign}"
        if sign == "|":
            label = self.look.paint(label, "blue", "bold")
        return f"{label} {text}".rstrip() if text else label

    @property
    def room(self) -> int:
        """How many cells of code fit beside it."""
        return max((self.look.width or _WIDEST) - self.digits - 3, 20)


def context(listing: Listing, span: Span) -> range:
    """Return the numbers of the lines around a span's first, without blank ones at the edges."""
    shown = list(range(max(1, span.line - _CONTEXT), min(len(listing), span.line + _CONTEXT) + 1))
    while shown and shown[0] < span.line and not listing.line(shown[0]).strip():
        del shown[0]
    while shown and shown[-1] > span.line and not listing.line(shown[-1]).strip():
        del shown[-1]
    return range(shown[0], shown[-1] + 1) if shown else range(0)


def frame(listing: Listing, span: Span, shown: range, gutter: Gutter, colour: str) -> list[str]:
    """Return the shown lines, with carets under the part of the first one that the span covers."""
    if span.line not in shown:
        return []
    cut = max(0, span.column - _LONGEST // 2)
    marked = Cells.of(_text(listing, span.line, cut))
    start = marked.at(span.column - cut)
    end = marked.at(span.end_column - cut) if span.end_line == span.line else len(marked.cells)
    end = max(end, start + 1)
    first = first_cell(start, end, gutter.room)
    result = []
    for number in shown:
        text = Cells.of(_text(listing, number, cut)).window(first, gutter.room)
        result.append(gutter.line(number, text))
        if number == span.line:
            carets = "^" * min(end - start, gutter.room - (start - first))
            blanks = " " * (start - first)
            result.append(gutter.line(None, blanks + gutter.look.paint(carets, colour, "bold")))
    return result


def _text(listing: Listing, number: int, cut: int) -> str:
    return listing.line(number, cut, cut + _LONGEST).rstrip("\r\n")


def first_cell(start: int, end: int, room: int) -> int:
    """Return the cell to begin with, so that the cells from ``start`` to ``end`` are in sight.

    A line that would be cut on both sides keeps its beginning.
    """
    if end <= room or (end - start > room * 3 // 4 and start <= room // 2):
        return 0
    return max(0, min(start - room // 4, end - room * 3 // 4))
