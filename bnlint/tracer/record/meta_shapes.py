"""The shapes that convolutions, poolings and the like give, by their formulas.

On the meta device torch computes them in Python, in 50 to 500 microseconds each. What is not plain to see (other
layouts, other types, sizes that do not fit) has no shape here and is left to torch, which also raises what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Sizes = tuple[int, ...]
Numbers = int | Sequence[int]
_OTHER_ARGUMENTS = (AttributeError, IndexError, TypeError, ValueError, ZeroDivisionError)
"""What the formulas raise for arguments that they do not know, or that torch refuses."""


def given_shape(like: Sequence[Tensor], shape: Sizes) -> Tensor:
    """A new tensor of a shape, which requires a gradient if one of some tensors does, and is no leaf then."""
    source = next((tensor for tensor in like if tensor.requires_grad), like[0])
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return source.as_strided(shape, strides[::-1]).clone()


def shape_of(
    function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Tensor], Sizes] | None:
    """The tensors that ``function`` works on and the shape that it gives, where both are plain to see."""
    formula = _FORMULAS.get(function)
    if formula is None or "out" in kwargs:
        return None
    try:
        tensors, shape = formula(*args, **kwargs)
        if shape is not None and min(shape) > 0 and _are_plain(tensors):
            return tensors, shape
    except _OTHER_ARGUMENTS:
        return None
    return None


def _are_plain(tensors: Sequence[Tensor]) -> bool:
    """Whether tensors are all without data, of one kind of numbers, and laid out as usual."""
    dtype = tensors[0].dtype
    return dtype.is_floating_point and all(
        type(tensor) in _TYPES
        and tensor.is_meta
        and tensor.dtype == dtype
        and tensor.is_contiguous()
        for tensor in tensors
    )


Formula = Callable[..., tuple[Sequence[Tensor], Sizes | None]]


def _convolution(
    rank: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> tuple[Sequence[Tensor], Sizes | None]:
    tensors = [input, weight] if bias is None else [input, weight, bias]
    batch, channels, *sizes = input.shape
    filters, depth, *kernel = weight.shape
    fits = len(sizes) == len(kernel) == rank and channels == depth * groups
    if not fits or filters % groups or isinstance(padding, str):
        return tensors, None
    if bias is not None and bias.shape != (filters,):
        return tensors, None
    windows = _windows(sizes, kernel, stride, padding, dilation)
    return tensors, (batch, filters, *windows)


def _max_pooling(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Sequence[Tensor], Sizes | None]:
    *outer, height, width = input.shape
    kernel, around = _each(kernel_size, 2), _each(padding, 2)
    if ceil_mode or return_indices or len(outer) != 2:
        return [input], None
    if any(2 * p > k for p, k in zip(around, kernel, strict=True)):
        return [input], None
    windows = _windows((height, width), kernel, stride or kernel, around, dilation)
    return [input], (*outer, *windows)


def _mean_pooling(
    input: Tensor,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Sequence[Tensor], Sizes | None]:
    return _max_pooling(input, kernel_size, stride, padding, 1, ceil_mode)


def _adaptive_pooling(
    input: Tensor, output_size: int | Sequence[int | None] | None
) -> tuple[Sequence[Tensor], Sizes | None]:
    *outer, height, width = input.shape
    wanted = output_size if isinstance(output_size, tuple | list) else (output_size, output_size)
    if len(outer) != 2 or len(wanted) != 2:
        return [input], None
    sizes = (
        own if size is None else size for own, size in zip((height, width), wanted, strict=True)
    )
    return [input], (*outer, *sizes)


def _linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None
) -> tuple[Sequence[Tensor], Sizes | None]:
    tensors = [input, weight] if bias is None else [input, weight, bias]
    *outer, features = input.shape
    units, depth = weight.shape
    fits = bool(outer) and features == depth and (bias is None or bias.shape == (units,))
    return tensors, (*outer, units) if fits else None


def _concatenation(
    tensors: Sequence[Tensor], dim: int = 0
) -> tuple[Sequence[Tensor], Sizes | None]:
    first = tuple(tensors[0].shape)
    dim = dim + len(first) if dim < 0 else dim
    rests = {(*tensor.shape[:dim], *tensor.shape[dim + 1 :]) for tensor in tensors}
    if not 0 <= dim < len(first) or {tensor.dim() for tensor in tensors} != {len(first)}:
        return tensors, None
    if len(rests) != 1:
        return tensors, None
    return tensors, (*first[:dim], sum(t.shape[dim] for t in tensors), *first[dim + 1 :])


def _elementwise(one: Tensor, other: Tensor | float) -> tuple[Sequence[Tensor], Sizes | None]:
    """What two tensors that are broadcast, or a tensor and a number, give."""
    if type(other) in (int, float):
        return [one], tuple(one.shape)
    if not isinstance(other, Tensor):
        return [one], None
    rank = max(one.dim(), other.dim())
    pairs = zip(_aligned(one, rank), _aligned(other, rank), strict=True)
    sizes = [(a if b == 1 else b, a == b or a == 1 or b == 1) for a, b in pairs]
    fits = rank > 0 and all(fit for _, fit in sizes)
    return [one, other], tuple(size for size, _ in sizes) if fits else None


def _aligned(tensor: Tensor, rank: int) -> Sizes:
    return (1,) * (rank - tensor.dim()) + tuple(tensor.shape)


def _windows(
    sizes: Sequence[int], kernel: Numbers, stride: Numbers, padding: Numbers, dilation: Numbers
) -> Sizes:
    """How often a window fits, for each dimension, by the formula in torch's documentation of Conv2d."""
    given = [_each(value, len(sizes)) for value in (kernel, stride, padding, dilation)]
    if min(map(min, given[:2])) < 1 or min(given[2]) < 0 or min(given[3]) < 1:
        raise ValueError("no such window")
    return tuple(
        (size + 2 * around - apart * (wide - 1) - 1) // step + 1
        for size, wide, step, around, apart in zip(sizes, *given, strict=True)
    )


def _each(numbers: Numbers, rank: int) -> Sequence[int]:
    """One number for each dimension, as torch reads one number or a sequence of one."""
    if isinstance(numbers, int):
        return (numbers,) * rank
    return tuple(numbers) * rank if len(numbers) == 1 else numbers


_TYPES = (Tensor, torch.nn.Parameter)
_FORMULAS: Mapping[Any, Formula] = {
    torch.conv1d: partial(_convolution, 1),
    torch.conv2d: partial(_convolution, 2),
    torch.conv3d: partial(_convolution, 3),
    torch.max_pool2d: _max_pooling,
    functional.max_pool2d: _max_pooling,
    functional.avg_pool2d: _mean_pooling,
    functional.adaptive_avg_pool2d: _adaptive_pooling,
    functional.linear: _linear,
    torch.cat: _concatenation,
    **dict.fromkeys(
        (
            torch.add,
            torch.sub,
            torch.mul,
            torch.div,
            Tensor.add,
            Tensor.sub,
            Tensor.mul,
            Tensor.div,
        ),
        _elementwise,
    ),
}
