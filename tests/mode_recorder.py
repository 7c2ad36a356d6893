"""Programs that are really run, and in which mode each of their forwards was."""

import contextlib
import io
import os
import random
import signal
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

NAME = "<recorded>"
MOST_STEPS = 100
"""Forwards after which a program is ended."""
SECONDS = 20
"""Time after which a program is ended."""


@dataclass(frozen=True, slots=True)
class Used:
    """A layer with a mode, as it was used: the number of the layer in the run, and its mode."""

    layer: int
    is_norm: bool
    training: bool
    frozen: bool


@dataclass(slots=True, eq=False)
class Step:
    """A forward that the program itself makes.

    ``lines`` are the program's lines that led to it, the innermost first. ``grad`` tells whether
    gradients were recorded, ``trained`` whether one came back through what it returned.
    """

    lines: tuple[int, ...]
    grad: bool
    used: list[Used] = field(default_factory=list)
    trained: bool = False

    @property
    def norms(self) -> set[bool]:
        """The modes of its BatchNorm layers."""
        return {used.training for used in self.used if used.is_norm}


@dataclass(slots=True, eq=False)
class Record:
    """What a run did, and the exception that ended it, if any."""

    steps: list[Step] = field(default_factory=list)
    error: BaseException | None = None
    cut: bool = False
    """Whether it was ended since it takes long."""

    @property
    def failure(self) -> str:
        """The exception in words, ``""`` for none."""
        return "" if self.error is None else f"{type(self.error).__name__}: {self.error}"


class Enough(BaseException):
    """Ends a program that goes on for long."""


class Missing(dict[str, Any]):
    """Stands for a file that is not there: a state that fits every model, but no data."""

    def __len__(self) -> int:
        raise FileNotFoundError("the data are in a file that is not there")

    def __bool__(self) -> bool:
        return True

    def __missing__(self, key: str) -> "Missing":
        return self


def run(code: str, folder: Path, *arguments: str, **given: object) -> Record:
    """Run a program in a folder and record it; ``given`` are names that it finds defined."""
    record = Record()
    numbers: dict[nn.Module, int] = {}
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random.seed(0)
    with _patched(record, numbers), _quiet(folder, arguments):
        try:
            exec(compile(code, NAME, "exec"), {"__name__": "__main__", **given})
        except Enough:
            record.cut = True
        except SystemExit as error:
            record.error = error if error.code else None
        except Exception as error:
            record.error = error
    return record


@contextlib.contextmanager
def _quiet(folder: Path, arguments: tuple[str, ...]) -> Iterator[None]:
    before = os.getcwd(), sys.argv, torch.is_grad_enabled()
    os.chdir(folder)
    sys.argv = ["train.py", *arguments]
    signal.signal(signal.SIGALRM, _end)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir(before[0])
        sys.argv = before[1]
        torch.set_grad_enabled(before[2])


def _end(number: int, frame: object) -> None:
    raise Enough


@contextlib.contextmanager
def _patched(record: Record, numbers: dict[nn.Module, int]) -> Iterator[None]:
    call, load, restore = nn.Module.__call__, torch.load, nn.Module.load_state_dict
    current: list[Step] = []

    def recorded(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if current:
            _note(module, current[-1], numbers)
            return call(module, *args, **kwargs)
        if len(record.steps) >= MOST_STEPS:
            raise Enough
        step = Step(_lines(), torch.is_grad_enabled())
        _note(module, step, numbers)
        current.append(step)
        try:
            output = call(module, *args, **kwargs)
        finally:
            current.pop()
        if step.used:
            record.steps.append(step)
            _watch(output, step)
        return output

    def restored(module: nn.Module, state: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(state, Missing):
            return SimpleNamespace(missing_keys=[], unexpected_keys=[])
        return restore(module, state, *args, **kwargs)

    def loaded(file: Any, *args: Any, **kwargs: Any) -> Any:
        return load(file, *args, **kwargs) if Path(str(file)).exists() else Missing()

    nn.Module.__call__ = recorded  # type: ignore[method-assign]
    torch.load, nn.Module.load_state_dict = loaded, restored  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = call  # type: ignore[method-assign]
        torch.load, nn.Module.load_state_dict = load, restore  # type: ignore[method-assign]


def _note(module: nn.Module, step: Step, numbers: dict[nn.Module, int]) -> None:
    is_norm = isinstance(module, _BatchNorm) and module.track_running_stats
    if is_norm or isinstance(module, _DropoutNd):
        frozen = is_norm and module.weight is not None and not module.weight.requires_grad
        number = numbers.setdefault(module, len(numbers))
        step.used.append(Used(number, is_norm, module.training, bool(frozen)))


def _watch(output: Any, step: Step) -> None:
    def came(gradient: torch.Tensor) -> None:
        step.trained = True

    for tensor in _tensors(output):
        if tensor.requires_grad:
            tensor.register_hook(came)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def _lines() -> tuple[int, ...]:
    found = []
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == NAME:
            found.append(frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(found)
