"""Layers that a model builds and never calls."""

from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType

from torch import fx, nn

_METHODS_OF_TRACING = ("__init__", "forward")


def never_called(model: nn.Module, graphs: Iterable[fx.Graph | None]) -> Iterator[str]:
    """Dotted names of layers with parameters that no graph calls and no other method mentions.

    Yields nothing unless all ``graphs`` are known. A layer that a method besides ``forward`` names
    may well be called by someone else.
    """
    called: set[str] = set()
    for graph in graphs:
        if graph is None:
            return
        called |= {str(node.meta.get("owner") or node.target) for node in graph.nodes}
    names = {id(module): name for name, module in reversed([*model.named_modules()])}
    for name, module in model.named_modules():
        if next(module.children(), None) is not None or next(module.parameters(), None) is None:
            continue
        if names[id(module)] not in called and not _is_mentioned(model, name):
            yield name


def _is_mentioned(model: nn.Module, name: str) -> bool:
    """Whether a method of a module around a layer reads the attribute that it is kept under."""
    parts = name.split(".")
    for number in range(len(parts)):
        owner = model.get_submodule(".".join(parts[:number]))
        if any(parts[number] in _names(code) for code in _other_methods(type(owner))):
            return True
    return False


def _other_methods(cls: type) -> Iterator[CodeType]:
    for base in cls.__mro__:
        if base.__module__.startswith("torch.nn.") or base is object:
            continue
        for name, value in vars(base).items():
            function = getattr(value, "fget", None) or getattr(value, "__func__", value)
            if name not in _METHODS_OF_TRACING and isinstance(function, FunctionType):
                yield function.__code__


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_names}.union(*map(_names, inner))
