"""Running code without its GPU and without its data: what is asked of a tensor's device.

Tensors on the meta device stay there, whatever they are told. Real ones stay on the CPU. Where both
meet, in ``x + torch.arange(8)`` say, the real ones count as meta ones.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bnlint.tracer.record.tensors import tensors_in

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]
Call = tuple[Callable[..., Any], Arguments, Keywords]

_STAYING = frozenset({Tensor.cpu, Tensor.cuda})
_WRITERS = ("__set__", "__setitem__")
_GPU = torch.device("cuda")
"""What a number stands for as a device; -1 is what a tensor on the CPU gives for its own."""


def staying(
    function: Callable[..., Any], args: Arguments, kwargs: Keywords, home: str = "cpu"
) -> Call:
    """What to call instead so that no tensor leaves its device; new ones are made at ``home``."""
    first = args[0] if args else None
    if isinstance(first, Tensor):
        if first.is_meta and function in _STAYING:
            return _same, args[:1], {}
        if function == Tensor.type and len(args) > 1:
            args = (first, _dtype(args[1]))
        if function == Tensor.to:
            args = (first, *(_GPU if type(value) is int else value for value in args[1:]))
        if first.is_meta:
            home = "meta"
            if function == Tensor.to:
                return function, *_moved(args, kwargs)
    if type(kwargs.get("device")) is int:
        kwargs = {**kwargs, "device": _GPU}
    if any(map(_is_gpu, args)) or any(map(_is_gpu, kwargs.values())):
        args = tuple(torch.device(home) if _is_gpu(value) else value for value in args)
        kwargs = {n: torch.device(home) if _is_gpu(v) else v for n, v in kwargs.items()}
    return function, args, kwargs


def mixing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, taking meta and real tensors together; it does not write data to real ones."""

    def mixed(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except RuntimeError:
            if not _may_move(function, args, kwargs):
                raise
        return function(*on_meta(args), **on_meta(kwargs))

    return mixed


def sets_data(function: Callable[..., Any], args: Arguments) -> bool:
    """Whether this is ``tensor.data = other``."""
    if getattr(function, "__name__", "") != "__set__" or len(args) != 2:
        return False
    return getattr(getattr(function, "__self__", None), "__name__", "") == "data"


def with_data_of(tensor: Tensor, other: Tensor) -> Tensor:
    """The tensor after ``tensor.data = other``."""
    tensor.data = other
    return tensor


def on_meta(value: Any) -> Any:
    """The tensors in a value and in the containers in it without their data."""
    match value:
        case Tensor():
            return value if value.is_meta else value.detach().to("meta")
        case list() | tuple():
            items = [on_meta(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        case dict():
            return {name: on_meta(item) for name, item in value.items()}
    return value


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _moved(args: Arguments, kwargs: Keywords) -> tuple[Arguments, Keywords]:
    """The arguments of ``Tensor.to`` for a tensor that stays on the meta device."""
    first, *rest = args
    if rest and isinstance(rest[0], Tensor):
        rest[0] = rest[0].dtype
    rest = [torch.device("meta") if _is_device(value) else value for value in rest]
    named: dict[str, Any] = {n: "meta" if n == "device" else v for n, v in kwargs.items()}
    if isinstance(named.get("other"), Tensor):
        named["dtype"] = named.pop("other").dtype
    return (first, *rest), named


def _dtype(kind: Any) -> Any:
    """The type of data of ``torch.FloatTensor``, of its name and of the one for a GPU."""
    name = kind.rpartition(".")[2] if isinstance(kind, str) else ""
    return getattr(getattr(torch, name, kind), "dtype", kind)


def _is_device(value: object) -> bool:
    return isinstance(value, torch.device | str)


def _is_gpu(value: object) -> bool:
    if isinstance(value, torch.device):
        return value.type == "cuda"
    return isinstance(value, str) and value.startswith("cuda")


def _may_move(function: Callable[..., Any], args: Arguments, kwargs: Keywords) -> bool:
    """Whether there is a mixture, and no real tensor that the function would write to."""
    given = tensors_in((args, kwargs))
    if len({tensor.is_meta for tensor in given}) < 2:
        return False
    name = str(getattr(function, "__name__", ""))
    writes = name in _WRITERS or (name.endswith("_") and not name.endswith("__"))
    return given[0].is_meta or not (writes or name.startswith("__i"))
