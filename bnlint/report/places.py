"""Where something stands, for programs."""

from typing import Annotated, TypedDict

from bnlint.facts.types.site import Site


class PlaceJson(TypedDict):
    """A line of a file."""

    path: Annotated[str, "relative to the working directory"]
    line: Annotated[int, "from 1"]


def place(site: Site) -> PlaceJson:
    """Return the file and the line of a site."""
    return {"path": site.path, "line": site.span.line}
