"""Tensors in values of all kinds, and what tells one from another."""

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

MOST_NESTED = 4


def tensors_in(value: object) -> list[Tensor]:
    """The tensors in a value and in the containers in it, in order."""
    if isinstance(value, Tensor):
        return [value]
    found: list[Tensor] = []
    if isinstance(value, tuple | list | dict):
        _collect(value, found)
    return found


def _collect(value: tuple[Any, ...] | list[Any] | dict[Any, Any], found: list[Tensor]) -> None:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, Tensor):
            found.append(item)
        elif isinstance(item, tuple | list | dict):
            _collect(item, found)


def opened(value: Any, depth: int = MOST_NESTED) -> Any:
    """Objects as dictionaries of their attributes, as far as they hold tensors."""
    match value:
        case Tensor() | PackedSequence() | nn.Module():
            return value
        case list() | tuple():
            items = [opened(item, depth) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else items
        case dict():
            return {name: opened(item, depth) for name, item in value.items()}
    slots = [name for cls in type(value).__mro__ for name in vars(cls).get("__slots__", ())]
    held = {name: getattr(value, name, None) for name in slots} | getattr(value, "__dict__", {})
    if not depth or not held:
        return value
    values = {name: opened(item, depth - 1) for name, item in held.items()}
    return {name: item for name, item in values.items() if tensors_in(item)} or value


def count_of(tensor: Tensor) -> int:
    """How often a tensor was changed; 0 for inference tensors, which do not count."""
    try:
        return int(tensor._version)
    except RuntimeError:
        return 0


def memory_of(tensor: Tensor) -> int:
    """The identity of a tensor's memory, which its views share."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return id(tensor)
