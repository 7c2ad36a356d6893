"""The tables of what each kind of code and of value does, which the modules of other rooms fill."""

from collections.abc import Callable
from typing import TypeVar

import libcst as cst

from bnlint.interpreter.core.frames import Completion
from bnlint.interpreter.core.values import Value

Handler = Callable[..., Value]
T = TypeVar("T", bound=Handler)

EXPRESSIONS: dict[type, Handler] = {}
STATEMENTS: dict[type, Callable[..., Completion | None]] = {}
ATTRIBUTES: dict[type, Handler] = {}
CALLS: dict[type, Handler] = {}
SETTERS: dict[type, Callable[..., None]] = {}


def handles(table: dict[type, T], *types: type) -> Callable[[T], T]:
    """Enter a function into a dispatch table."""

    def enter(handler: T) -> T:
        for kind in types:
            table[kind] = handler
        return handler

    return enter


def newer(*names: str) -> tuple[type, ...]:
    """Those classes of LibCST that the version at hand has, for syntax that came later."""
    return tuple(getattr(cst, name) for name in names if hasattr(cst, name))
