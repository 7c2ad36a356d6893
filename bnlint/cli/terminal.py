"""What a stream can show."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import TextIO

from bnlint.finding import Applicability
from bnlint.style import Detail, Style


def look_for(
    stream: TextIO,
    output: Path | None,
    allowed: Collection[Applicability],
    detail: Detail = Detail.USUAL,
) -> Style:
    """Return how to report to a stream, or to a file instead of it."""
    if output is not None:
        return Style(allowed=allowed, detail=detail)
    return Style(wants_colour(stream), _width(stream), allowed, detail)


def _width(stream: TextIO) -> int | None:
    """The cells of a line, where it is a terminal."""
    if not stream.isatty():
        return None
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour: NO_COLOR and FORCE_COLOR decide, else whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
