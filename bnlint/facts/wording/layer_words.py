"""What a message calls a layer or a model: by its name in the code, or by what builds it."""

from itertools import takewhile

from bnlint.facts.types.graph import Layer
from bnlint.facts.types.run import Model
from bnlint.facts.types.site import Site

LONGEST = 48
"""Characters of code that are read at a glance."""


def has_name(layer: Layer) -> bool:
    """Whether the code names a layer, or the container that it has a number in.

    Only torch names places in a loose Sequential; names that were computed begin with ``?``.
    """
    parts = layer.name.split(".")
    return any(p and not p.isdigit() for p in parts) and not any(p[:1] == "?" for p in parts)


def in_words(layer: Layer) -> str:
    """A layer's dotted name or, where that is a bare number, its constructor call, in backticks.

    Of a name of which the end was computed, what is known says where the layer is.
    """
    if has_name(layer):
        return f"`{layer.name}`"
    known = ".".join(takewhile(lambda part: part[:1] != "?", layer.name.split(".")))
    within = (
        f" in `{known}`" if any(part and not part.isdigit() for part in known.split(".")) else ""
    )
    return f"{_by_code(layer)}{within}"


def _by_code(layer: Layer) -> str:
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


def model_in_words(model: Model) -> str:
    """A model away from its own methods, where ``self`` says nothing: its class."""
    return f"`{model.type if model.name == 'self' and model.type else model.name}`"
