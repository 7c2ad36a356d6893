"""Lines and columns of a text; only CR, LF and CRLF end a line."""

import re
from bisect import bisect_right

from bnlint.immutable import immutable

LINE_END = re.compile(r"\r\n?|\n")


@immutable
class Lines:
    """The offset at which each line of a text starts."""

    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "Lines":
        """Find the lines."""
        return cls((0, *(match.end() for match in LINE_END.finditer(text))))

    def offset(self, line: int, column: int) -> int:
        """Turn a line from 1 and a column from 0 into an offset."""
        return self.starts[line - 1] + column

    def place(self, offset: int) -> tuple[int, int]:
        """Turn an offset into a line and a column, both from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def start(self, offset: int) -> int:
        """Return the offset at which the line of ``offset`` starts."""
        return self.starts[bisect_right(self.starts, offset) - 1]
