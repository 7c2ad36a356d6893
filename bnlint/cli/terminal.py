"""What a stream can show."""

import os
import shutil
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
    width = shutil.get_terminal_size((100, 24)).columns if stream.isatty() else None
    return Style(wants_colour(stream), width, allowed, detail)


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour: NO_COLOR and FORCE_COLOR decide, else whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
