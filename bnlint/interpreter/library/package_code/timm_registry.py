"""What ``timm.models.registry`` does, for the interpreter to execute."""

from collections.abc import Callable
from typing import Any

MODELS: dict[str, Callable[..., Any]] = {}


def register_model(entry: Callable[..., Any]) -> Callable[..., Any]:
    """Enter a function under its own name."""
    MODELS[entry.__name__] = entry
    return entry
