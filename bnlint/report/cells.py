"""Lines of code as cells of a terminal: tabs, wide characters and control characters measured."""

import unicodedata

from bnlint.immutable import immutable
from bnlint.visible import pictured

TAB = 4
_ELLIPSIS = "…"


@immutable
class Cells:
    """A line as one string for each cell, and the cell at which each of its characters starts.

    A wide character fills its cell and an empty one, a combining one joins the cell before it.
    """

    cells: tuple[str, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, line: str) -> "Cells":
        """Lay out a line without its ending."""
        line = pictured(line)
        if line.isascii() and line.isprintable():
            return cls(tuple(line), tuple(range(len(line) + 1)))
        cells: list[str] = []
        starts: list[int] = []
        for character in line:
            starts.append(len(cells))
            if character == "\t":
                cells += [" "] * (TAB - len(cells) % TAB)
            elif unicodedata.combining(character) and cells:
                cells[-1] += character
            else:
                cells += [character, *[""] * (width(character) - 1)]
        return cls(tuple(cells), (*starts, len(cells)))

    def at(self, column: int) -> int:
        """Return the cell of a column that counts characters from 1."""
        return self.starts[min(max(column, 1), len(self.starts)) - 1]

    def window(self, first: int, number: int) -> str:
        """Return at most ``number`` cells from ``first`` on, with dots where something is cut."""
        shown = list(self.cells[first : first + number])
        if first and self.cells:
            shown[:1] = [_ELLIPSIS]
        if first + number < len(self.cells):
            shown[-1] = _ELLIPSIS
        return "".join(shown).rstrip()


def width(character: str) -> int:
    """Return how many cells a character fills."""
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
