"""Offsets and columns of ours as positions of the protocol, in the units that the client counts."""

from pathlib import Path

from lsprotocol.types import Position, PositionEncodingKind, Range
from pygls.uris import from_fs_path

from bnlint.finding import Span
from bnlint.immutable import immutable
from bnlint.lint.text_lines import Listing

_BYTES = {PositionEncodingKind.Utf8: ("utf-8", 1), PositionEncodingKind.Utf16: ("utf-16-le", 2)}


@immutable
class ClientPositions:
    """The lines of one text, and how the client counts columns."""

    listing: Listing
    encoding: str

    @classmethod
    def of(cls, text: str, encoding: str) -> "ClientPositions":
        """Find the lines of a text."""
        return cls(Listing.of(text), encoding)

    def at(self, offset: int) -> Position:
        """The position of an offset."""
        line, column = self.listing.places.place(offset)
        return self._position(line, column)

    def between(self, start: int, end: int) -> Range:
        """The range of two offsets."""
        return Range(self.at(start), self.at(end))

    def of_span(self, span: Span) -> Range:
        """The range of a span."""
        start = self._position(span.line, span.column)
        return Range(start, self._position(span.end_line, span.end_column))

    def _position(self, line: int, column: int) -> Position:
        if self.encoding not in _BYTES or line > len(self.listing):
            return Position(line - 1, column - 1)
        codec, unit = _BYTES[PositionEncodingKind(self.encoding)]
        before = self.listing.line(line, 0, column - 1)
        return Position(line - 1, len(before.encode(codec, "surrogatepass")) // unit)


def address(file: Path) -> str:
    """A file's URI."""
    uri = from_fs_path(str(file))
    return str(uri)
