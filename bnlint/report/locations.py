"""Where something stands, for programs."""

from typing import Annotated, TypedDict

from bnlint.finding import Span


class PlaceJson(TypedDict):
    """A line of a file."""

    path: Annotated[str, "relative to the working directory"]
    line: Annotated[int, "from 1"]


def place(span: Span) -> PlaceJson:
    """Return the file and the line of a span."""
    return {"path": span.path, "line": span.line}
