"""Objects of training frameworks whose methods the interpreter knows, by their classes."""

from collections.abc import Callable

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Value

Handler = Callable[[Machine, Instance, str, Arguments, Site, Scope], Value]
_HANDLERS: dict[tuple[str, str], Handler] = {}


def framework_object(package: str, *classes: str) -> Callable[[Handler], Handler]:
    """Enter what calls the methods of a package's classes, wherever in it they are defined."""

    def enter(handler: Handler) -> Handler:
        _HANDLERS.update({(package, name): handler for name in classes})
        return handler

    return enter


def handler_of(library: str) -> Handler | None:
    """What calls the methods of objects of a library class: ``accelerate.Accelerator``."""
    return _HANDLERS.get((library.partition(".")[0], library.rpartition(".")[2]))
