"""A stand-in for torch's compiler, in processes that compile nothing."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch

DYNAMO = "torch._dynamo"


def leave_dynamo_out() -> None:
    """Keep the first operation on the meta device from importing torch's compiler.

    That takes two seconds and writes a file. Modules of the compiler can be imported still, and do
    nothing; ``torch.compile`` gives back what it gets.
    """
    if DYNAMO in sys.modules:
        return
    sys.meta_path.insert(0, _Finder())
    torch._dynamo = __import__(DYNAMO, fromlist=["*"])
    torch.compile = _as_it_is  # type: ignore[assignment]


class _Finder(MetaPathFinder, Loader):
    """Finds modules without effect under the compiler's names."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        ours = f"{name}.".startswith(f"{DYNAMO}.")
        return ModuleSpec(name, self, is_package=True) if ours else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Inert(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


class _Inert(ModuleType):
    """Has every name: decorators that change nothing, options that are off, errors nobody raises."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__ == f"{DYNAMO}.config":
            return _no_options if name == "patch" else False
        if self.__name__ == DYNAMO and name == "config":
            return __import__(f"{DYNAMO}.config", fromlist=["*"])
        if name[:1].isupper():
            made = type(name, (Exception,), {"__module__": self.__name__})
            self.__dict__[name] = made
            return made
        return _no if name.startswith(("is_", "has_")) else _as_it_is


def _no(*_: object, **__: object) -> bool:
    return False


def _no_options(*_: object, **__: object) -> nullcontext[None]:
    return nullcontext()


def _as_it_is(function: Any = None, *_: object, **options: Any) -> Any:
    """What a decorator gives back, with and without options."""
    function = options.get("model", options.get("fn", function))
    return function if callable(function) else lambda decorated: decorated
