"""Building without trained weights: nothing is downloaded, and no checkpoint is read.

What a checkpoint holds does not change which layers there are. So while a model is built
``torch.load``, ``torch.hub.load_state_dict_from_url`` and ``torch.utils.model_zoo.load_url`` give an
empty :class:`Checkpoint`, ``Module.load_state_dict`` does nothing, and well-known factories are
called as if without ``pretrained=True`` or ``weights=...``.
"""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.nn.modules.module import _IncompatibleKeys

WEIGHTS = ("pretrained", "weights")
"""How options begin that ask for trained weights: ``pretrained_backbone``, ``weights_backbone``."""
FACTORIES = ("torchvision.models.", "timm.", "segmentation_models_pytorch.", "pretrainedmodels.")
NOT_FETCHED = "weights that are not downloaded while tracing"


class Checkpoint(dict[Any, Any]):
    """A checkpoint without tensors: empty, but with a checkpoint under every key that is asked for."""

    def __missing__(self, key: object) -> "Checkpoint":
        return Checkpoint()

    def pop(self, key: object, default: object = None) -> Any:
        """The default, or another empty checkpoint."""
        return default if default is not None else Checkpoint()

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Say that a whole model in a file cannot be had."""
        raise TypeError("a model that is loaded whole from a file is not read while tracing")


def without_weights(
    path: str, positional: list[Any], keywords: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a library's factory, with trained weights turned off."""
    if not path.startswith(FACTORIES):
        return positional, keywords
    if path.startswith("torchvision."):  # its factories have no other positional parameter
        positional = [_off(value) for value in positional]
    return positional, keywords | {name: _off(keywords[name]) for name in keywords if _asks(name)}


def _asks(name: str) -> bool:
    return name.startswith(WEIGHTS) or name.endswith("_weights")


def _off(value: object) -> object:
    return False if isinstance(value, bool) else None


@contextmanager
def no_weights() -> Iterator[None]:
    """Let nothing be downloaded or read that only fills parameters."""
    with ExitStack() as stack:
        for owner, name in LOADERS:
            stack.enter_context(patch.object(owner, name, _empty))
        stack.enter_context(patch.object(nn.Module, "load_state_dict", _loaded))
        stack.enter_context(patch.object(torch.hub, "load", _hub(torch.hub.load)))
        stack.enter_context(_after_import())
        yield


LOADERS = (
    (torch, "load"),
    (torch.hub, "load_state_dict_from_url"),
    (importlib.import_module("torch.utils.model_zoo"), "load_url"),
    (torch.hub, "download_url_to_file"),
)


def _empty(*args: object, **kwargs: object) -> Checkpoint:
    return Checkpoint()


def _loaded(self: nn.Module, *args: object, **kwargs: object) -> _IncompatibleKeys:
    return _IncompatibleKeys([], [])


def _nothing(*args: object, **kwargs: object) -> None:
    return None


def _hub(load: Callable[..., Any]) -> Callable[..., Any]:
    def without_download(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("source") == "local":
            return load(repo_or_dir, model, *args, **kwargs)
        if not str(repo_or_dir).startswith("pytorch/vision"):
            raise OSError(f"torch.hub.load would download `{repo_or_dir}`")
        factory = getattr(importlib.import_module("torchvision.models"), model)
        given, named = without_weights(f"torchvision.models.{model}", list(args), kwargs)
        return factory(*given, **named)

    return without_download


# -- functions of packages that are not imported yet ----------------------------------------------

LATER: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "timm.models._builder": {"load_pretrained": _nothing, "load_custom_pretrained": _nothing},
    "timm.models.helpers": {"load_pretrained": _nothing},
    "huggingface_hub.file_download": {"hf_hub_download": lambda *args, **kwargs: NOT_FETCHED},
    "safetensors.torch": {"load_file": _empty},
}
"""What replaces functions that fetch weights, by module."""
GONE: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "torchvision.models.utils": {"load_state_dict_from_url": _empty},
}
"""Modules of earlier versions that only fetched weights."""


class _Replacing(MetaPathFinder, Loader):
    """Replaces functions of modules when these are imported, and stands in for modules now gone."""

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in LATER and name not in GONE:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return ModuleSpec(name, self) if name in GONE else None
        spec.loader_state, spec.loader = spec.loader, self
        return spec if name in LATER else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        own: Loader | None = spec.loader_state
        return None if own is None else own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        own: Loader | None = module.__spec__.loader_state
        if own is None:
            vars(module).update(GONE[module.__name__])
            return
        own.exec_module(module)
        for name, replacement in LATER[module.__name__].items():
            if hasattr(module, name):
                setattr(module, name, replacement)


@contextmanager
def _after_import() -> Iterator[None]:
    replacing = _Replacing()
    sys.meta_path.insert(0, replacing)
    try:
        yield
    finally:
        sys.meta_path.remove(replacing)
