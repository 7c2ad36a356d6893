"""Tracing a model that the user holds, with what the user gives."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from bnlint.tracer.record.inputs import Inputs, example_inputs
from bnlint.tracer.record.trace_model import Trace, trace


def trace_live(model: Any, tensors: tuple[Any, ...], sizes: Any, batch: int) -> Trace:
    """Trace a model with the tensors or sizes that are given, or else a guess of ``batch`` samples.

    Raises:
        TypeError: ``model`` is no module, an input is no tensor.
        ValueError: both tensors and sizes were given, or sizes that are none.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"`model` must be a torch.nn.Module, not {_kind(model)}")
    return trace(model, list(_candidates(model, tensors, sizes, batch)))


def _candidates(
    model: nn.Module, tensors: tuple[Any, ...], sizes: Any, batch: int
) -> Iterator[Inputs]:
    if tensors and sizes is not None:
        raise ValueError("give example inputs or `input_size`, not both")
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"example inputs must be tensors, not {_kind(tensor)}")
    if tensors:
        yield Inputs(tensors)
    else:
        given = None if sizes is None else [(size, "float32") for size in _sizes(sizes)]
        yield from example_inputs(model, given, batch)


def _sizes(sizes: Any) -> list[tuple[int, ...]]:
    """One size for each input."""
    several = [sizes] if all(isinstance(size, int) for size in sizes) else list(sizes)
    for size in several:
        if not isinstance(size, tuple | list) or not size or not all(map(_is_size, size)):
            raise ValueError(f"`input_size` must be sizes such as (8, 3, 32, 32), not {sizes!r}")
    return [tuple(size) for size in several]


def _is_size(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _kind(value: object) -> str:
    return f"the class `{value.__name__}`" if isinstance(value, type) else type(value).__name__
