"""A model in other tensors for a while: on the meta device or copied, and back as it was."""

import inspect
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

Change = Callable[[Tensor], Tensor]
_OF_TORCH = frozenset(vars(nn.Module()))
"""What every module has: parameters, buffers, children, hooks."""
_PLAIN = frozenset({int, float, bool, str, type(None)})
_MAY_HOLD = (Tensor, tuple, list, dict)
_CONTAINERS = (dict, list, set, deque)


@dataclass(slots=True)
class Shadow:
    """Stand-ins by the identity of the tensors that they stand for, and the originals by theirs.

    ``names`` are the dotted names of parameters and buffers by the identity of their stand-ins, ``modules``
    those of the model's modules by theirs.
    """

    stand_ins: dict[int, Tensor] = field(default_factory=dict)
    originals: dict[int, Tensor] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    modules: dict[int, str] = field(default_factory=dict)
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
    one, and so are those of modules in plain lists; scripted modules keep their own. Modules that
    choose modes themselves, by a ``train`` of their own, do so. Afterwards every module has the
    attributes, the tensors, the mode and the hooks that it had, and random numbers go on as if
    nothing had happened.
    """
    shadow = Shadow()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        _keep_random(stack)
        registered = [*model.modules()]
        modules = _with_hidden(registered)
        for module in modules:
            stack.callback(*_way_back(module))
        for module in modules:
            if not _is_scripted(module):
                _replace(module, shadow, change)
        _set_mode(registered, training)
        _name(model, shadow)
        yield shadow


def _with_hidden(registered: list[nn.Module]) -> list[nn.Module]:
    """Modules, and those that they keep in plain lists and dictionaries, where torch sees none."""
    found: dict[int, nn.Module] = {}
    pending = registered[::-1]
    while pending:
        module = pending.pop()
        if id(module) in found:
            continue
        found[id(module)] = module
        for name, value in vars(module).items():
            if name not in _OF_TORCH and type(value) not in _PLAIN:
                _collect_hidden(value, pending)
        pending += [child for child in module._modules.values() if child is not None]
    return [*found.values()]


def _set_mode(modules: list[nn.Module], training: bool) -> None:
    for module in modules:
        if "training" in vars(module):
            vars(module)["training"] = (
                training  # several times faster than by nn.Module.__setattr__
            )
        else:
            module.training = training
    for module in reversed(modules):  # those around others have the last word
        own = type(module).train
        if own is not nn.Module.train and "mode" in inspect.signature(own).parameters:
            with suppress(Exception):
                own(module, training)


def _collect_hidden(value: object, found: list[nn.Module]) -> None:
    """Add the modules in a value to those that are found."""
    if isinstance(value, nn.Module):
        found.append(value)
    elif type(value) in (list, tuple, dict):
        items = value.values() if isinstance(value, dict) else cast(Iterable[object], value)
        for item in items:
            if type(item) not in _PLAIN:
                _collect_hidden(item, found)


def _keep_random(stack: ExitStack) -> None:
    stack.callback(random.setstate, random.getstate())
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "random"):
        stack.callback(numpy.random.set_state, numpy.random.get_state())


def _way_back(module: nn.Module) -> tuple[Any, ...]:
    """A function that makes a module what it is now, and its arguments."""
    if _is_scripted(module):
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        return _restore_scripted, module, module.training, [(t, t.detach().clone()) for t in own]
    attributes = dict(module.__dict__)
    contents = [
        (value, value.copy() if value else ())
        for value in attributes.values()
        if type(value) not in _PLAIN and isinstance(value, _CONTAINERS)
    ]
    return _restore, module, attributes, contents


def _restore(
    module: nn.Module, attributes: dict[str, Any], contents: list[tuple[Any, Any]]
) -> None:
    module.__dict__.clear()
    module.__dict__.update(attributes)
    for container, before in contents:
        if not container and not before:
            continue
        container.clear()
        (container.extend if isinstance(container, list | deque) else container.update)(before)


def _restore_scripted(
    module: nn.Module, training: bool, tensors: list[tuple[Tensor, Tensor]]
) -> None:
    module.training = training
    with torch.no_grad():
        for tensor, before in tensors:
            tensor.copy_(before)


def _is_scripted(module: nn.Module) -> bool:
    """Whether a module's tensors belong to TorchScript, which cannot be given others."""
    return isinstance(module, torch.jit.ScriptModule) and "_c" in module.__dict__


def _replace(module: nn.Module, shadow: Shadow, change: Change) -> None:
    for registry in (module._parameters, module._buffers):
        for name, tensor in registry.items():
            if tensor is not None:
                registry[name] = shadow.of(tensor, change)  # type: ignore[assignment]
    for name, value in module.__dict__.items():
        if name not in _OF_TORCH and type(value) not in _PLAIN and isinstance(value, _MAY_HOLD):
            module.__dict__[name] = _within(value, shadow, change)


def _within(value: Any, shadow: Shadow, change: Change) -> Any:
    """Tensors in an attribute, also in a list of them; a list without any stays itself."""
    if isinstance(value, Tensor):
        return shadow.of(value, change)
    if type(value) in (tuple, list) and any(isinstance(item, Tensor) for item in value):
        return type(value)(_within(item, shadow, change) for item in value)
    if type(value) is dict and any(isinstance(item, Tensor) for item in value.values()):
        return {key: _within(item, shadow, change) for key, item in value.items()}
    return value


def _name(model: nn.Module, shadow: Shadow) -> None:
    for prefix, module in model.named_modules():
        shadow.modules[id(module)] = prefix
        for name, tensor in (*module._parameters.items(), *module._buffers.items()):
            if tensor is not None:
                shadow.names.setdefault(id(tensor), f"{prefix}.{name}" if prefix else name)
                shadow._alive.append(tensor)


def on_meta(tensor: Tensor) -> Tensor:
    """The same tensor without data; a parameter stays a parameter."""
    made = tensor.detach()
    return _like(tensor, made if made.is_meta else made.to("meta"))


def with_data(tensor: Tensor) -> Tensor:
    """A copy on the CPU that may be written to, filled with small numbers if there was no data."""
    if not tensor.is_meta:
        return _like(tensor, tensor.detach().to("cpu", copy=True))
    filled = torch.zeros(tensor.shape, dtype=tensor.dtype)
    if tensor.is_floating_point():
        filled.normal_(0, 0.02).abs_()
    return _like(tensor, filled)


def memory_needed(model: nn.Module) -> int:
    """How many bytes the parameters and buffers of a model take with data."""
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _like(tensor: Tensor, made: Tensor) -> Tensor:
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made
