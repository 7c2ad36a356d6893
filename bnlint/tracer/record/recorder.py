"""One real forward of a model, written down as a torch.fx graph while it happens."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import (
    _get_dispatch_stack_at,
    _len_torch_dispatch_stack,
    _pop_torch_dispatch_stack,
    _push_on_torch_dispatch_stack,
)
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from bnlint.immutable import immutable
from bnlint.tracer.record import devices, torch_patches
from bnlint.tracer.record.call_places import calls_in_user_code
from bnlint.tracer.record.graph_tape import GraphTape
from bnlint.tracer.record.leaves import is_leaf
from bnlint.tracer.record.meta_shortcuts import like, quicker, quicker_layer
from bnlint.tracer.record.stand_in_tensors import Shadow
from bnlint.tracer.record.tensors import count_of, tensors_in

WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
MOST_PLACES = 7
_PROPERTIES = ("shape", "device", "dtype", "ndim", "is_meta", "is_cuda", "requires_grad")
_GETTERS = (getattr(Tensor, name).__get__ for name in _PROPERTIES)
_ASKING = frozenset({Tensor.size, Tensor.dim, Tensor.numel, *_GETTERS})
"""Functions that make no tensor and are called often."""


@immutable
class FailedOperation:
    """An operation that raised, and the dotted name of the module whose forward was running."""

    operation: str
    module: str


class Recorder:
    """Records one forward of a model that holds stand-ins for its tensors.

    Layers of torch.nn are single calls; what happens in all other modules is recorded operation by
    operation. What BatchNorm layers complain of is noted, and the recording goes on. ``failure`` is
    the first operation that raised, ``looked`` whether values were read out of tensors.
    """

    def __init__(
        self, model: nn.Module, shadow: Shadow, tensors_on: str, device: torch.device
    ) -> None:
        self.tape = GraphTape(shadow, device)
        self.failure: FailedOperation | None = None
        self.muted = False
        self.looked = False
        self.tensors_on = tensors_on
        self._model = model
        self._training = model.training
        self._in_eval = False
        self._complaint: str | None = None
        self._dispatched = _Dispatched(self)
        self._names = shadow.modules

    def run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Call the model and record what it does; whatever it raises passes through."""
        for number, tensor in enumerate(tensors_in((args, kwargs))):
            self.tape.add_input(number, tensor)
        with self._heard():
            output = self._model(*args, **kwargs)
        self.tape.add_output(output)

    # -- hearing ----------------------------------------------------------------------------

    @contextmanager
    def _heard(self) -> Iterator[None]:
        original = nn.Module.__call__
        nn.Module.__call__ = self._called(original)  # type: ignore[method-assign]
        try:
            with torch_patches.forgiving_ranks(self._complain), _Functions(self), self._dispatched:
                yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]

    def _complain(self, error: str) -> None:
        self._complaint = self._complaint or error

    def _called(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            name = self._names.get(id(module))
            if self.muted or name is None:
                return original(module, *args, **kwargs)
            if isinstance(module, WRAPPERS):
                return call(module.module, *args, **kwargs)
            if is_leaf(module):
                return self._layer(name, module, original, args, kwargs)
            self.tape.modules.append(name)
            try:
                return original(module, *args, **kwargs)
            except Exception:
                self._fail("")
                raise
            finally:
                self.tape.modules.pop()

        return call

    def _layer(
        self,
        name: str,
        module: nn.Module,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        frame = sys._getframe(2)
        self._in_eval = self._training and not module.training
        with torch._C.DisableTorchFunction():
            shortcut = self._shortcut(module, (*args, *kwargs.values()))
            if shortcut is not None:
                return self.operation("call_module", name, shortcut, args, kwargs, frame)

        def run(*args: Any, **kwargs: Any) -> Any:
            return original(module, *args, **kwargs)

        return self.operation("call_module", name, run, args, kwargs, frame)

    def _shortcut(self, module: nn.Module, given: tuple[Any, ...]) -> Callable[..., Any] | None:
        """What gives the same shape as a layer, without running it."""
        if torch_patches.is_batch_norm(module, given):
            complaint = self._checked(module, given[0])
            if complaint is not None or torch_patches.runs_fast(module, given[0]):
                self._complaint = complaint
                return _as_normalised
        return quicker_layer(module, given)

    def _checked(self, module: Any, given: Tensor) -> str | None:
        self._complaint = None
        self.muted = True
        try:
            return torch_patches.batch_norm_error(module, given) or self._complaint
        finally:
            self.muted, self._complaint = False, None

    def function(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        frame: FrameType,
    ) -> Any:
        """Run a function, method or operator of torch and record it."""
        target = function
        function, args, kwargs = devices.staying(function, args, kwargs, self.tensors_on)
        function = quicker(function, args, kwargs)
        if devices.sets_data(target, args):
            target = function = devices.with_data_of
        elif target is functional.batch_norm:
            self._complaint = self._complaint or torch_patches.statistics_error(*args, **kwargs)
            if self._complaint is not None or _first(args, kwargs).is_meta:
                function = _as_normalised
        elif getattr(target, "__name__", "") == "__get__":
            target = _reading(_property_name(target))
        return self.operation("call_function", target, function, args, kwargs, frame)

    def operation(
        self,
        op: str,
        target: Any,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        frame: FrameType | None,
    ) -> Any:
        """Run one operation and record it if it makes or changes a tensor."""
        self.looked |= _name_of(target) in LOOKING
        with torch._C.DisableTorchFunction():
            given = tensors_in((args, kwargs))
            counts = [count_of(tensor) for tensor in given]
        self.muted = True
        set_aside = _set_aside(self._dispatched)
        try:
            output = devices.mixing(function)(*args, **kwargs)
        except Exception:
            self._fail(target if isinstance(target, str) else _name_of(target))
            raise
        finally:
            self.muted = False
            if set_aside:
                _push_on_torch_dispatch_stack(self._dispatched)
        with torch._C.DisableTorchFunction():
            changed = [t for t, count in zip(given, counts, strict=True) if count_of(t) != count]
            made = tensors_in(output)
            if changed or made:
                places = calls_in_user_code(frame, MOST_PLACES)
                node = self.tape.add(op, target, args, kwargs, output, changed, places)
                if function is _as_normalised and self._complaint is not None:
                    node.meta["error"], self._complaint = self._complaint, None
                if self._in_eval and op == "call_module":
                    node.meta["in_eval"] = True
        return output

    def _fail(self, operation: str) -> None:
        if self.failure is None:
            module = self.tape.modules[-1] if self.tape.modules else ""
            self.failure = FailedOperation(operation, module)


class _Functions(TorchFunctionMode):
    """Hears of functions, methods and operators."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _ASKING:
            return func(*args, **kwargs)
        if self._recorder.muted:
            return quicker(func, args, kwargs)(*args, **kwargs)
        return self._recorder.function(func, args, kwargs, sys._getframe(1))


class _Dispatched(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hears of what slips past: scripted code, autograd functions, extensions."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._recorder = recorder

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if self._recorder.muted:
            return func(*args, **kwargs)
        return self._recorder.operation("call_function", func, func, args, kwargs, sys._getframe(1))


def _set_aside(mode: TorchDispatchMode) -> bool:
    """Take a mode that would hear nothing off the stack, where it is the topmost; whether it was."""
    height = _len_torch_dispatch_stack()
    if not height or _get_dispatch_stack_at(height - 1) is not mode:
        return False
    _pop_torch_dispatch_stack(None)
    return True


def _as_normalised(*args: Any, **kwargs: Any) -> Tensor:
    """What BatchNorm gives, as far as its shape goes."""
    return like(_first(args, kwargs))


def _first(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    first: Tensor = args[0] if args else next(iter(kwargs.values()))
    return first


@cache
def _reading(name: str) -> Callable[[Tensor], Any]:
    """A function with a name of its own for a property: the getter has none that fx can write."""

    def read(tensor: Tensor) -> Any:
        return getattr(tensor, name)

    read.__name__ = name
    return read


def _property_name(getter: Any) -> str:
    found = getter.__self__
    return str(getattr(getattr(found, "fget", found), "__name__", "property"))


LOOKING = frozenset(
    """__bool__ __int__ __float__ __index__ __complex__ __contains__ item tolist numpy __array__
    equal allclose is_nonzero _local_scalar_dense""".split()
)
"""Functions that give a forward the values in a tensor, which it may decide by."""


def _name_of(target: object) -> str:
    return str(getattr(target, "__name__", target))
