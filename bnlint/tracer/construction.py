"""Building a model under observation: where each layer is built, and without holding its weights."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from bnlint.tracer.places import calls_in_user_code

PLACES = "_bnlint_places"
FILLED = "_bnlint_filled"
_FILLS = {"fill_", "zero_"}
_KEEPS = {"detach", "data", "requires_grad_", "size", "dim", "numel"}


@contextmanager
def watched(meta: bool = True) -> Iterator[None]:
    """Remember of every module built within where it is built and which parameters are constant.

    With ``meta`` parameters are moved to the meta device as they are registered, so that they take
    no memory and no time; all other tensors stay real, for constructors that look into them.
    """
    init, register = nn.Module.__init__, nn.Module.register_parameter

    def watching_init(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        if PLACES not in self.__dict__:
            self.__dict__[PLACES] = calls_in_user_code(sys._getframe(1), but_not=self)
        init(self, *args, **kwargs)

    def watching_register(self: nn.Module, name: str, param: nn.Parameter | None) -> None:
        register(self, name, param)
        if meta and param is not None and type(param) is nn.Parameter and not param.is_meta:
            shadow = nn.Parameter(param.detach().to("meta"), requires_grad=param.requires_grad)
            self._parameters[name] = shadow
        if self._parameters.get(name) is not None:
            fills.owners[_storage(self._parameters[name])] = (self, name)

    fills = _Fills()
    nn.Module.__init__ = watching_init  # type: ignore[method-assign]
    nn.Module.register_parameter = watching_register  # type: ignore[method-assign]
    try:
        with fills:
            yield
    finally:
        nn.Module.__init__ = init  # type: ignore[method-assign]
        nn.Module.register_parameter = register  # type: ignore[method-assign]


class _Fills(TorchFunctionMode):  # type: ignore[misc]
    """Follows which parameters hold one constant while a model is built."""

    def __init__(self) -> None:
        super().__init__()
        self.owners: dict[int, tuple[nn.Module, str]] = {}

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name.endswith("_") and not name.startswith("__") and args:
            owner = self.owners.get(_storage(args[0]))
            if owner is not None and name not in _KEEPS:
                self._note(owner, name, args, kwargs or {})
        return result

    def _note(
        self, owner: tuple[nn.Module, str], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        module, parameter = owner
        filled = module.__dict__.setdefault(FILLED, {})
        value = 0.0 if name == "zero_" else kwargs.get("value", args[1] if len(args) > 1 else None)
        if name in _FILLS and isinstance(value, int | float):
            filled[parameter] = float(value)
        else:
            filled.pop(parameter, None)


def _storage(value: object) -> int:
    if not isinstance(value, torch.Tensor):
        return -1
    try:
        return int(value.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return id(value)
