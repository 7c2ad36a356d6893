"""Which modules are layers of torch."""

from functools import cache

from torch import nn
from torch.nn.utils import parametrize

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_LEAVES = ("torch.nn.", "torch.ao.nn.")


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is a layer of torch itself, whose call is one operation.

    A layer of torch that was given modules of others to call is none.
    """
    if not _is_layer(type(module)):  # type: ignore[arg-type]
        return False
    parts = (part for name, part in module.named_children() if name != "parametrizations")
    return all(_is_of_torch(type(inner)) for part in parts for inner in part.modules())


@cache
def _is_layer(cls: type) -> bool:
    return _is_of_torch(cls) and not issubclass(cls, CONTAINERS)


def _is_of_torch(cls: type) -> bool:
    if cls.__module__ == parametrize.__name__ and cls.__name__.startswith("Parametrized"):
        cls = cls.__bases__[0]
    return cls.__module__.startswith(_LEAVES)
