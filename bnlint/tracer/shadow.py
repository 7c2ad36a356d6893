"""A model in other tensors for a while: on the meta device or copied, and back as it was."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

Change = Callable[[Tensor], Tensor]
_REGISTRIES = ("_parameters", "_buffers", "_modules")


@dataclass(slots=True)
class Shadow:
    """Stand-ins by the identity of the tensors that they stand for, and the originals by theirs.

    ``names`` are the dotted names of parameters and buffers by the identity of their stand-ins.
    """

    stand_ins: dict[int, Tensor] = field(default_factory=dict)
    originals: dict[int, Tensor] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    _alive: list[Tensor] = field(default_factory=list)

    def of(self, tensor: Tensor, change: Change) -> Tensor:
        """The stand-in for a tensor, the same one for the same tensor."""
        if id(tensor) not in self.stand_ins:
            made = change(tensor)
            self.stand_ins[id(tensor)] = made
            self.originals[id(made)] = tensor
            self._alive += [tensor, made]
        return self.stand_ins[id(tensor)]


@contextmanager
def in_other_tensors(model: nn.Module, change: Change, *, training: bool) -> Iterator[Shadow]:
    """Let ``model`` hold ``change`` of each of its tensors, in train or eval mode, within.

    Parameters, buffers and tensors that modules keep as plain attributes are replaced, tied ones by
    one. Afterwards every module has the attributes, the tensors, the mode and the hooks that it had,
    and random numbers go on as if nothing had happened.
    """
    modules = [*model.modules()]
    kept = [(module, dict(module.__dict__), _registries(module)) for module in modules]
    shadow = Shadow()
    state = random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            for module in modules:
                _replace(module, shadow, change)
            _name(model, shadow)
            for module in modules:
                module.training = training
            yield shadow
    finally:
        random.setstate(state)
        for module, attributes, registries in kept:
            _restore(module, attributes, registries)


def _registries(module: nn.Module) -> dict[str, dict[str, Any]]:
    return {name: dict(module.__dict__[name]) for name in _REGISTRIES}


def _restore(
    module: nn.Module, attributes: dict[str, Any], registries: dict[str, dict[str, Any]]
) -> None:
    module.__dict__.clear()
    module.__dict__.update(attributes)
    for name, entries in registries.items():
        registry = module.__dict__[name]
        registry.clear()
        registry.update(entries)


def _replace(module: nn.Module, shadow: Shadow, change: Change) -> None:
    for registry in (module._parameters, module._buffers):
        for name, tensor in registry.items():
            if tensor is not None:
                registry[name] = shadow.of(tensor, change)  # type: ignore[assignment]
    for name, value in module.__dict__.items():
        if name not in _REGISTRIES and isinstance(value, Tensor | tuple | list):
            module.__dict__[name] = _within(value, shadow, change)


def _within(value: Any, shadow: Shadow, change: Change) -> Any:
    """Tensors in an attribute, also in a list of them; a list without any stays itself."""
    if isinstance(value, Tensor):
        return shadow.of(value, change)
    if type(value) in (tuple, list) and any(isinstance(item, Tensor) for item in value):
        return type(value)(_within(item, shadow, change) for item in value)
    return value


def _name(model: nn.Module, shadow: Shadow) -> None:
    for named in (model.named_parameters, model.named_buffers):
        for name, tensor in named(remove_duplicate=False):
            shadow.names.setdefault(id(tensor), name)


def on_meta(tensor: Tensor) -> Tensor:
    """The same tensor without data; a parameter stays a parameter."""
    bare = tensor.detach().to("meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(bare, requires_grad=tensor.requires_grad)
    return bare


def with_data(tensor: Tensor) -> Tensor:
    """A copy on the CPU that may be written to, filled with small numbers if there was no data.

    Parameters that hold data stay themselves: a forward reads them only.
    """
    if isinstance(tensor, nn.Parameter) and not tensor.is_meta:
        return tensor if tensor.device.type == "cpu" else _like(tensor, tensor.detach().cpu())
    if not tensor.is_meta:
        return tensor.detach().to("cpu", copy=True)
    filled = torch.zeros(tensor.shape, dtype=tensor.dtype)
    if tensor.is_floating_point():
        filled.normal_(0, 0.02).abs_()
    return _like(tensor, filled)


def _like(tensor: Tensor, made: Tensor) -> Tensor:
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made
