"""What a message calls a layer: by the name that the code gives it, or by the code that builds it."""

import re

from bnlint.facts.types.graph import Layer
from bnlint.facts.types.site import Site

LONGEST = 48
"""Characters of code that are read at a glance."""
_NUMBERED = re.compile(r"(?:\d+\.)*\d*|(?:.*\.)?\?.*")
"""Names that only torch gives: places in a loose Sequential, and what was computed."""


def has_name(layer: Layer) -> bool:
    """Whether the code names a layer, or the container that it has a number in."""
    return not _NUMBERED.fullmatch(layer.name)


def in_words(layer: Layer) -> str:
    """A layer's dotted name or, where that is a bare number, its constructor call, in backticks."""
    if has_name(layer):
        return f"`{layer.name}`"
    text = layer.site.text
    if len(text) <= LONGEST and "\n" not in text and "`" not in text and "(" in text:
        return f"`{text}`"
    return f"`{layer.class_site.text if layer.class_site is not None else layer.class_name}`"


def with_line(layer: Layer, near: Site) -> str:
    """The same, and where it is built if that is what it is called by."""
    if has_name(layer):
        return in_words(layer)
    site = layer.site
    place = f"line {site.span.line}" if site.path == near.path else f"{site.path}:{site.span.line}"
    return f"{in_words(layer)} in {place}"
