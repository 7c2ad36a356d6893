"""A text by its lines, as Python counts them."""

from itertools import pairwise

from bnlint.immutable import immutable
from bnlint.source.line_index import Lines


@immutable
class Listing:
    """A text and where its lines start; its length is the number of lines that are not empty text."""

    text: str
    places: Lines

    @classmethod
    def of(cls, text: str) -> "Listing":
        """Find the lines of a text."""
        return cls(text, Lines.of(text))

    def __len__(self) -> int:
        starts = self.places.starts
        return len(starts) - 1 if starts[-1] == len(self.text) else len(starts)

    def start(self, number: int) -> int:
        """Return the offset at which a line starts; numbers count from 1."""
        return self.places.starts[number - 1]

    def end(self, number: int) -> int:
        """Return the offset after a line and its ending."""
        starts = self.places.starts
        return starts[number] if number < len(starts) else len(self.text)

    def line(self, number: int, first: int = 0, last: int | None = None) -> str:
        """Return a line with its ending, or its characters from ``first`` to before ``last``."""
        start, end = self.start(number), self.end(number)
        return self.text[start + first : end if last is None else min(end, start + last)]


def split(text: str) -> list[str]:
    """Return the lines with their endings; what follows the last ending counts if not empty."""
    bounds = [*Lines.of(text).starts, len(text)]
    return [text[start:end] for start, end in pairwise(bounds) if start < end]
