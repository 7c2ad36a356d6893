"""Shortcuts for operations on tensors without data, whose shapes are plain to see.

On the meta device torch computes many of these in Python, which takes longer than everything else.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bnlint.tracer.record.meta_shapes import given_shape, shape_of

_ALIKE = """relu relu6 hardtanh hardswish hardsigmoid leaky_relu elu selu celu gelu mish prelu silu
    softplus dropout dropout1d dropout2d dropout3d alpha_dropout"""
ALIKE = frozenset(
    {*(getattr(functional, name) for name in _ALIKE.split()), torch.relu, Tensor.relu}
)
"""Functions of one tensor whose output is like it."""

_LAYERS_ALIKE = """ReLU ReLU6 Hardtanh Hardswish Hardsigmoid LeakyReLU ELU SELU CELU GELU Mish SiLU
    Softplus Sigmoid Tanh Dropout"""
LAYERS_ALIKE = frozenset(getattr(nn, name) for name in _LAYERS_ALIKE.split())
"""Layers that give a tensor like the one they get; their subclasses may not."""

PAIRS = frozenset({torch.add, torch.sub, torch.mul, Tensor.add, Tensor.sub, Tensor.mul})
PAIRS_IN_PLACE = frozenset({Tensor.add_, Tensor.sub_, Tensor.mul_})

_SMOOTH = frozenset({"bilinear", "bicubic", "trilinear", "linear"})
_RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}


def quicker(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A function that gives a tensor of the same shape and type as ``function``, or itself."""
    shaped = shape_of(function, args, kwargs)
    if shaped is not None:
        return lambda *_, **__: given_shape(*shaped)
    if not args or not isinstance(args[0], Tensor) or not args[0].is_meta:
        return function
    if function in ALIKE:
        return _alike if _is_plain(args[0], kwargs) else function
    if function in PAIRS or function in PAIRS_IN_PLACE:
        if not _are_alike(args) or "out" in kwargs:
            return function
        return _alike if function in PAIRS else _overwritten
    return _QUICKER.get(function, _itself)(function, args, kwargs)


def quicker_layer(layer: nn.Module, args: tuple[Any, ...]) -> Callable[..., Any] | None:
    """A function that gives a tensor of the same shape and type as a layer, if there is one."""
    if len(args) != 1 or not isinstance(args[0], Tensor) or not args[0].is_meta:
        return None
    if layer._forward_hooks or layer._forward_pre_hooks:
        return None
    if type(layer) in LAYERS_ALIKE:
        return _quicker_alike(layer, args[0])
    called = _CALLS.get(type(layer))
    shaped = shape_of(*called(layer, args[0]), {}) if called is not None else None
    return None if shaped is None else lambda *_, **__: given_shape(*shaped)


def _quicker_alike(layer: nn.Module, given: Tensor) -> Callable[..., Any] | None:
    if not given.dtype.is_floating_point or (isinstance(layer, nn.Dropout) and not layer.training):
        return None
    return _overwritten if getattr(layer, "inplace", False) else _alike


def _convolved(layer: Any, given: Tensor) -> tuple[Any, tuple[Any, ...]]:
    """What a convolution calls; what pads otherwise than with zeros calls something else before."""
    function = _CONVOLUTIONS[type(layer)] if layer.padding_mode == "zeros" else None
    windows = layer.stride, layer.padding, layer.dilation, layer.groups
    return function, (given, layer.weight, layer.bias, *windows)


_CONVOLUTIONS: Mapping[type[nn.Module], Any] = {
    nn.Conv1d: functional.conv1d,
    nn.Conv2d: functional.conv2d,
    nn.Conv3d: functional.conv3d,
}
_CALLS: Mapping[type[nn.Module], Callable[[Any, Tensor], tuple[Any, tuple[Any, ...]]]] = {
    **dict.fromkeys(_CONVOLUTIONS, _convolved),
    nn.Linear: lambda layer, given: (functional.linear, (given, layer.weight, layer.bias)),
    nn.AdaptiveAvgPool2d: lambda layer, given: (
        functional.adaptive_avg_pool2d,
        (given, layer.output_size),
    ),
    nn.MaxPool2d: lambda layer, given: (
        functional.max_pool2d,
        (
            *(given, layer.kernel_size, layer.stride, layer.padding, layer.dilation),
            *(layer.ceil_mode, layer.return_indices),
        ),
    ),
    nn.AvgPool2d: lambda layer, given: (
        functional.avg_pool2d,
        (given, layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode),
    ),
}
"""The function that a layer of torch calls, and its arguments; subclasses may call others."""


def like(given: Tensor) -> Tensor:
    """A new tensor like the given one."""
    return given.clone() if given.is_meta else torch.zeros_like(given)


def _is_plain(given: Tensor, kwargs: Mapping[str, Any]) -> bool:
    return given.dtype.is_floating_point and "out" not in kwargs


def _are_alike(args: tuple[Any, ...]) -> bool:
    if len(args) != 2 or not isinstance(args[1], Tensor):
        return False
    one, other = args
    return bool(one.shape == other.shape and one.dtype == other.dtype and other.is_meta)


def _alike(given: Tensor, *_: object, inplace: bool = False, **__: object) -> Tensor:
    return given.zero_() if inplace else given.clone()


def _overwritten(given: Tensor, *_: object, **__: object) -> Tensor:
    return given.zero_()


def _itself(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return function


def _group_norm(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    given, weight = args[0], kwargs.get("weight")
    groups = args[1] if len(args) > 1 else 0
    if given.dim() < 2 or not groups or given.shape[1] % groups or weight is None:
        return function
    fits = weight.numel() == given.shape[1] and given.numel() > given.shape[0] * groups
    return _alike if fits else function


def _layer_norm(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    shape = tuple(args[1]) if len(args) > 1 else ()
    return _alike if shape and tuple(args[0].shape[-len(shape) :]) == shape else function


def _interpolate(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The nearest pixel gives the shape that a weighted mean of pixels has."""
    mode = kwargs.get("mode")
    if mode not in _SMOOTH or _RANKS[mode] != args[0].dim():
        return function

    def nearest(given: Tensor, *rest: Any, **options: Any) -> Tensor:
        plain = {n: v for n, v in options.items() if n in ("size", "scale_factor")}
        made: Tensor = functional.interpolate(given, *rest, **plain)
        return made

    return nearest


_QUICKER: Mapping[Any, Callable[[Any, tuple[Any, ...], Mapping[str, Any]], Any]] = {
    functional.group_norm: _group_norm,
    functional.layer_norm: _layer_norm,
    functional.interpolate: _interpolate,
}
