"""Layers that a model builds and never calls."""

from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType

from torch import fx, nn


def never_called(model: nn.Module, graphs: Iterable[fx.Graph | None]) -> Iterator[str]:
    """Dotted names of layers with parameters that no graph calls and no other method mentions.

    Yields nothing unless all ``graphs`` are known. A layer that a method names whose calls were not
    recorded may well be called by someone else.
    """
    called: set[str] = set()
    used: set[int] = set()
    ran = {""}
    for graph in graphs:
        if graph is None:
            return
        for node in graph.nodes:
            called.add(str(node.meta.get("owner") or node.target))
            ran.update(node.meta.get("modules", ()))
            used.update(_parameters(model, node))
    names = {id(module): name for name, module in reversed([*model.named_modules()])}
    for name, module in model.named_modules():
        if next(module.children(), None) is not None or next(module.parameters(), None) is None:
            continue
        if names[id(module)] in called or used.issuperset(map(id, module.parameters())):
            continue
        if not _is_mentioned(model, name, called, ran):
            yield name


def _parameters(model: nn.Module, node: fx.Node) -> Iterator[int]:
    """The identities of the parameters that an operation reads, also those within a layer."""
    if node.op == "call_module":
        yield from map(id, model.get_submodule(str(node.target)).parameters())
    elif node.op == "get_attr" and not node.meta.get("constant"):
        owner, _, name = str(node.target).rpartition(".")
        yield id(getattr(model.get_submodule(owner), name, None))


def _is_mentioned(model: nn.Module, name: str, called: set[str], ran: set[str]) -> bool:
    """Whether code that was not recorded reads the attribute that a layer is kept under.

    That is every method but ``forward`` of the modules around it, and also ``forward`` where only
    other methods of such a module were called: ``self.backbone.features(x)`` leaves the classifier
    of ``backbone`` alone.
    """
    parts = name.split(".")
    for number, attribute in enumerate(parts):
        owner = ".".join(parts[:number])
        used_otherwise = any(each.startswith(f"{owner}.") for each in called)
        if owner in ran or used_otherwise:
            known = ("__init__", "forward") if owner in ran else ("__init__",)
            methods = _methods(type(model.get_submodule(owner)), known)
            if any(attribute in _names(code) for code in methods):
                return True
    return False


def _methods(cls: type, but_not: tuple[str, ...]) -> Iterator[CodeType]:
    for base in cls.__mro__:
        if base.__module__.startswith("torch.nn.") or base is object:
            continue
        for name, value in vars(base).items():
            function = getattr(value, "fget", None) or getattr(value, "__func__", value)
            if name not in but_not and isinstance(function, FunctionType):
                yield function.__code__


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_names}.union(*map(_names, inner))
