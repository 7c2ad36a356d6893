"""One real forward of a model, written down as a torch.fx graph while it happens."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from bnlint.tracer import quirks
from bnlint.tracer.places import calls_in_user_code
from bnlint.tracer.shadow import Shadow
from bnlint.tracer.tape import Tape, count_of, tensors_in

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
MOST_PLACES = 7
_LEAVES = ("torch.nn.", "torch.ao.nn.")
_VALUES = frozenset({"item", "tolist", "__bool__", "__int__", "__float__", "__index__", "numpy"})


class Recorder:
    """Records one forward of a model that holds stand-ins for its tensors.

    Layers of torch.nn are single calls; what happens in all other modules is recorded operation by
    operation. ``place`` is the operation that raised, for messages.
    """

    def __init__(self, model: nn.Module, shadow: Shadow, device: torch.device) -> None:
        self.tape = Tape(shadow, device)
        self.failed: fx.Node | str | None = None
        self._model = model
        self._muted = False
        self._names: dict[nn.Module, str] = {}
        for name, module in model.named_modules(remove_duplicate=False):
            self._names.setdefault(module, name)

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
            with _Functions(self), _Dispatched(self):
                yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]

    def _called(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            name = self._names.get(module)
            if self._muted or name is None:
                return original(module, *args, **kwargs)
            if isinstance(module, WRAPPERS):
                return self._called(original)(module.module, *args, **kwargs)
            if is_leaf(module):
                return self._layer(name, module, original, args, kwargs)
            self.tape.modules.append(name)
            try:
                return original(module, *args, **kwargs)
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
        if not quirks.runs_fast(module, args, kwargs):
            return self.operation(
                "call_module", name, lambda *a, **k: original(module, *a, **k), args, kwargs, frame
            )
        error = quirks.batch_norm_error(module, args[0])  # type: ignore[arg-type]
        output = self.operation("call_module", name, quirks.after_batch_norm, args, kwargs, frame)
        if error is not None:
            next(reversed(self.tape.graph.nodes)).meta["error"] = error
        return output

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
        given = list(tensors_in((args, kwargs)))
        counts = [count_of(tensor) for tensor in given]
        self._muted = True
        try:
            output = function(*args, **kwargs)
        except Exception:
            self.failed = self.failed or f"{_name_of(target)}"
            raise
        finally:
            self._muted = False
        changed = [t for t, count in zip(given, counts, strict=True) if count_of(t) != count]
        if changed or next(tensors_in(output), None) is not None:
            places = calls_in_user_code(frame, MOST_PLACES)
            self.tape.add(op, target, args, kwargs, output, changed, places)
        return output


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
        if self._recorder._muted:
            return func(*args, **kwargs)
        return self._recorder.operation("call_function", func, func, args, kwargs, sys._getframe(1))


class _Dispatched(TorchDispatchMode):
    """Hears of what slips past: scripted code, autograd functions, extensions."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if self._recorder._muted:
            return func(*args, **kwargs)
        return self._recorder.operation("call_function", func, func, args, kwargs, sys._getframe(1))


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is a layer of torch itself, whose call is one operation."""
    return type(module).__module__.startswith(_LEAVES) and not isinstance(module, CONTAINERS)


def _name_of(target: object) -> str:
    return str(getattr(target, "__name__", target))
