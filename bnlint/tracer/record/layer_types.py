"""The modules of a live model as plain records."""

import inspect
from collections.abc import Iterator
from functools import cache
from types import FunctionType

import torch
from torch import nn

from bnlint.facts.types.initialisation import DEFAULT, Draw
from bnlint.tracer.record.records import LayerRecord, TracePlace
from bnlint.vocabulary.layers import SIGNATURES, bare_name

_PUBLIC = {"_BatchNorm": "SyncBatchNorm"}
"""What a class counts as that derives from a private class of torch.nn: any number of dimensions."""
MOST_MEAN = 0.3
"""The mean of weights, in standard deviations, up to which they count as random around 0."""
_PLAIN = (bool, int, float, str, type(None))


def describe_layers(model: nn.Module) -> tuple[LayerRecord, ...]:
    """Describe all modules in registration order, each once, under its first dotted name."""
    names: dict[nn.Module, list[str]] = {}
    for name, module in _named(model, "", ()):
        names.setdefault(module, []).append(name)
    return tuple(_layer(module, *found) for module, found in names.items())


def _named(
    module: nn.Module, name: str, around: tuple[nn.Module, ...]
) -> Iterator[tuple[str, nn.Module]]:
    """All modules under all their names; one that holds a module around it is not entered again."""
    yield name, module
    for part, child in module._modules.items():
        if child is not None and child is not module and child not in around:
            yield from _named(child, f"{name}.{part}" if name else part, (*around, module))


def library_type(module: nn.Module) -> str:
    """The qualified class of torch.nn that a module is or derives from."""
    for cls in type(module).__mro__:
        bare = bare_name(f"{cls.__module__}.{cls.__qualname__}")
        if bare is not None and (public := _PUBLIC.get(bare, bare)) and not public.startswith("_"):
            return f"torch.nn.{public}"
    return "torch.nn.Module"


def _layer(module: nn.Module, name: str, *aliases: str) -> LayerRecord:
    cls = type(module)
    library = library_type(module)
    return LayerRecord(
        name,
        library,
        cls.__name__,
        aliases,
        _replaces_forward(module, library),
        dict(_arguments(module, library)),
        _initial(module),
        _drawn(module),
        tuple(module.__dict__.get("_bnlint_places", ())),
        tuple(_class_places(cls)),
    )


def _replaces_forward(module: nn.Module, library: str) -> bool:
    """Whether a subclass of a library layer has a forward of its own."""
    bare = library.rpartition(".")[2]
    for cls in type(module).__mro__:
        if "forward" in vars(cls):
            return cls.__name__ != bare and not cls.__module__.startswith("torch.nn.")
    return False


def _arguments(module: nn.Module, library: str) -> Iterator[tuple[str, object]]:
    """Constructor parameters of the library class with the values that the layer has now."""
    for parameter in SIGNATURES.get(library.rpartition(".")[2], ()):
        value = getattr(module, parameter.name, None)
        if parameter.name == "bias" and not isinstance(value, _PLAIN[:1]):
            value = value is not None
        if isinstance(value, tuple | list) and all(isinstance(item, _PLAIN) for item in value):
            yield parameter.name, tuple(value)
        elif isinstance(value, _PLAIN):
            yield parameter.name, value


def constant_parameters(module: nn.Module) -> Iterator[tuple[str, float]]:
    """A module's own parameters that hold one number: as watched, else as they are."""
    watched = module.__dict__.get("_bnlint_filled")
    for name, parameter in module.named_parameters(recurse=False):
        if parameter.is_meta or isinstance(parameter, nn.parameter.UninitializedParameter):
            if watched is not None and name in watched:
                yield name, float(watched[name])
        elif parameter.numel():
            first = parameter.detach().flatten()[0]
            if bool((parameter.detach() == first).all()):
                yield name, float(first)


def _initial(module: nn.Module) -> dict[str, float]:
    return {n: number for n, number in constant_parameters(module) if n in ("weight", "bias")}


def _drawn(module: nn.Module) -> Draw | None:
    """The random numbers of the weight: as watched, else by their measured deviation."""
    weight = module._parameters.get("weight")
    if weight is None or isinstance(weight, nn.parameter.UninitializedParameter):
        return None
    if "weight" in _initial(module):
        return DEFAULT  # a constant, which says all
    if weight.is_meta:
        found = module.__dict__.get("_bnlint_drawn", {}).get("weight")
        return found if isinstance(found, Draw) else None
    if not weight.is_floating_point() or weight.numel() < 2:
        return None
    deviation, mean = torch.std_mean(weight.detach().double())
    centred = bool(mean.abs() <= MOST_MEAN * deviation)
    return Draw("normal", {"std": deviation.item()}) if centred else None


def _class_places(cls: type) -> Iterator[TracePlace]:
    """Where a class and its bases are defined; nothing for those of torch and of no file."""
    for base in cls.__mro__:
        if base is object or base.__module__.partition(".")[0] == "torch":
            continue
        place = _class_place(base)
        if place is not None:
            yield place


@cache
def _class_place(cls: type) -> TracePlace | None:
    """A place within a class: where its first method begins, or where ``inspect`` finds it."""
    for value in vars(cls).values():
        if isinstance(value, FunctionType) and value.__qualname__.startswith(cls.__qualname__):
            code = value.__code__
            return TracePlace(
                code.co_filename, code.co_firstlineno, code.co_firstlineno, function=cls.__name__
            )
    try:
        file = inspect.getsourcefile(cls)
        _, first = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return None
    return TracePlace(file, first, first, function=cls.__name__) if file else None
