"""Lines as Python counts them: only LF, CRLF and CR end one."""

import re
from bisect import bisect_right
from itertools import pairwise

_END = re.compile(r"\r\n?|\n")


def starts(text: str) -> list[int]:
    """Return the offset at which each line starts; there is always a first line."""
    return [0, *(match.end() for match in _END.finditer(text))]


def split(text: str) -> list[str]:
    """Return the lines with their endings; what follows the last ending counts if not empty."""
    bounds = [*starts(text), len(text)]
    return [text[start:end] for start, end in pairwise(bounds) if start < end]


def place(line_starts: list[int], offset: int) -> tuple[int, int]:
    """Turn an offset into a line and a column, both from 1."""
    line = bisect_right(line_starts, offset)
    return line, offset - line_starts[line - 1] + 1
