"""Building a model in the child: from a recipe, or from what ``bnlint trace`` names."""

import argparse
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

from torch import nn
from torch.overrides import TorchFunctionMode

from bnlint.errors import did_you_mean
from bnlint.immutable import immutable
from bnlint.tracer.building import observed
from bnlint.tracer.building.build_recipe import Maker, NotKnown
from bnlint.tracer.building.recipe_json import from_json
from bnlint.tracer.building.weights import no_weights
from bnlint.tracer.record import blame
from bnlint.tracer.record.records import TracePlace
from bnlint.tracer.record.torch_patches import instead_of_cuda, without_cuda
from bnlint.tracer.slicing.importing import SlicedProject, install
from bnlint.tracer.slicing.lazy_globals import Unavailable

T = TypeVar("T")
FINAL = (ImportError, OSError, MemoryError)
"""Errors that building with real tensors does not mend."""


class BuildFailure(Exception):
    """Why there is no model, in words for the user, and where in the user's code."""

    def __init__(self, reason: str, place: TracePlace | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


@immutable
class Building:
    """A model; ``notes`` say what was taken for it, ``missing`` which packages are not installed."""

    module: nn.Module
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def build(job: Mapping[str, Any], home: str, argv0: str, *, real: bool = False) -> Building:
    """Build what a job asks for: ``{"recipe": ...}`` or ``{"target": {...}}``.

    Its ``texts`` stand in for files on disk. The modules of the project of a script in the folder ``home`` can be imported
    for the rest of the process, sliced (see :mod:`bnlint.tracer.slicing.importing`). Nothing is downloaded,
    no checkpoint is read, and options that ask for trained weights are turned off (see
    :mod:`bnlint.tracer.building.weights`). The command line has no options but ``argv0``. Parameters are on
    the meta device where the constructors allow it, unless they are to be ``real``.

    Raises:
        BuildFailure: no model can be had, for a reason that bnlint itself knows.
        Exception: whatever else the project's code raises.
    """
    sources = install(home)
    sources.texts.update(job.get("texts", {}))
    return build_in(sources, job, argv0, real=real)


def build_in(
    sources: SlicedProject, job: Mapping[str, Any], argv0: str, *, real: bool = False
) -> Building:
    """Build in a project that can be imported; raises as ``build`` does."""

    def make() -> tuple[object, list[str]]:
        maker = Maker(sources)
        match job:
            case {"recipe": data}:
                return maker.make(from_json(data)), maker.notes
            case {"target": Mapping() as target}:
                return _called(sources, maker, target), maker.notes
        raise ValueError(f"nothing to build: {sorted(job)}")

    try:
        with no_weights(), _without_options(argv0), without_cuda("cpu"), _WithoutCuda():
            made, assumed = _watched(make, real)
            module, notes = _module_in(made)
    except (NotKnown, Unavailable) as error:
        raise BuildFailure(str(error), blame.of_error(error)) from error
    return Building(module, (*assumed, *notes), tuple(sources.missing))


def _watched(make: Callable[[], T], real: bool) -> T:
    """Build with parameters on the meta device; if that fails, with real ones."""
    try:
        with observed.watched(meta=not real):
            return make()
    except (*FINAL, NotKnown, Unavailable, BuildFailure):
        raise
    except Exception:
        if real:
            raise
    return _watched(make, real=True)


def _module_in(made: object) -> tuple[nn.Module, tuple[str, ...]]:
    """The module that a factory returned: itself, or the first one that is held by what it returned."""
    match made:
        case nn.DataParallel() | nn.parallel.DistributedDataParallel():
            return made.module, ()
        case nn.Module():
            inner = getattr(made, "model", None)
            if isinstance(inner, nn.Module) and _has_no_forward(made):
                return inner, (f"`{type(made).__name__}` has no forward: its `model` is traced",)
            return made, ()
        case Mapping():
            values: Sequence[object] = list(made.values())
        case list() | tuple():
            values = made
        case _:
            held = getattr(made, "model", None)
            if isinstance(held, nn.Module):
                return held, (f"what is traced is the `model` of a `{type(made).__name__}`",)
            values = []
    for number, value in enumerate(values):
        if isinstance(value, nn.Module):
            kind, count = type(made).__name__, len(values)
            return value, (f"what is traced is item {number} of a {kind} of {count}",)
    raise BuildFailure(
        f"a {type(made).__name__} came out, which is no nn.Module; name a class, a function that"
        " returns a model, or a model"
    )


def _has_no_forward(module: nn.Module) -> bool:
    return getattr(type(module).forward, "__module__", "").startswith(
        ("torch.", "pytorch_lightning.", "lightning.")
    )


# -- targets ----------------------------------------------------------------------------------


def _called(sources: SlicedProject, maker: Maker, target: Mapping[str, Any]) -> object:
    """What a target names, called with its arguments unless it is a model already."""
    name, found = target["name"], _found(sources, target)
    given = target.get("arguments", {})
    arguments = {key: maker.make(from_json(value)) for key, value in given.items()}
    if isinstance(found, nn.Module) and not isinstance(found, type):
        if arguments:
            raise BuildFailure(f"`{name}` is a model already and takes no arguments")
        return found
    if not callable(found):
        raise BuildFailure(f"`{name}` is a {type(found).__name__}, which builds no model")
    _check_arguments(name, found, arguments)
    return found(**arguments)


def _found(sources: SlicedProject, target: Mapping[str, Any]) -> Any:
    file, where = target.get("file"), target.get("file") or target["module"]
    found: Any = sources.load_file(file) if file is not None else _module(sources, where)
    for part in target["name"].split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            known = [name for name in dir(found) if not name.startswith("_")]
            hint = did_you_mean(part, known)
            raise BuildFailure(f"there is no `{part}` in {where}{hint}") from None
        where = f"`{part}`"
    return found


def _module(sources: SlicedProject, name: str) -> Any:
    try:
        return sources.load_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise BuildFailure(
            f"there is no module `{error.name}` for {sys.executable}: install it, or name another"
            " interpreter with --python"
        ) from None


def _check_arguments(name: str, function: Callable[..., object], given: dict[str, Any]) -> None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    needed = [n for n, p in named.items() if p.default is p.empty and n not in given]
    if needed:
        listed = " and ".join(f"`{parameter}`" for parameter in needed)
        options = " ".join(f"--arg {parameter}=..." for parameter in needed)
        pronoun = "them" if len(needed) > 1 else "it"
        raise BuildFailure(f"`{name}` needs {listed}: give {pronoun} with {options}")
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    for argument in given:
        if argument not in named:
            hint = did_you_mean(argument, named)
            raise BuildFailure(f"`{name}` has no parameter `{argument}`{hint}")


class _WithoutCuda(TorchFunctionMode):
    """Puts on the CPU what constructors put on a GPU."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = {name: instead_of_cuda(value, "cpu") for name, value in (kwargs or {}).items()}
        return func(*(instead_of_cuda(value, "cpu") for value in args), **given)


# -- surroundings -----------------------------------------------------------------------------


@contextmanager
def _without_options(argv0: str) -> Iterator[None]:
    """No options on the command line; those that are required have no value then."""
    parse = argparse.ArgumentParser.parse_known_args

    def parse_leniently(
        self: argparse.ArgumentParser, args: Any = None, namespace: Any = None, **rest: Any
    ) -> Any:
        for action in self._actions:
            action.required = False
            if not action.option_strings and action.nargs in (None, "+"):
                action.nargs = "?" if action.nargs is None else "*"
        return parse(self, args, namespace, **rest)

    with (
        patch.object(sys, "argv", [argv0]),
        patch.object(argparse.ArgumentParser, "parse_known_args", parse_leniently),
    ):
        yield
