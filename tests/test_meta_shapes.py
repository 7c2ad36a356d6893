"""Shapes by formula: what torch gives on the meta device, or none."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from bnlint.tracer.record.meta_shapes import given_shape, shape_of

Call = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]

SIZES = st.integers(1, 9)
STEPS = st.integers(1, 3)
TYPES = st.sampled_from([*[torch.float32] * 9, torch.float16, torch.int64])


@st.composite
def tensors(draw: st.DrawFn, *shape: int) -> Tensor:
    """A tensor without data: some need a gradient, some are no leaves, some are laid out otherwise."""
    made = torch.empty(shape, device="meta", dtype=draw(TYPES))
    if made.is_floating_point() and draw(st.booleans()):
        made.requires_grad_()
        made = made.clone() if draw(st.booleans()) else made
    if len(shape) == 4 and draw(st.integers(0, 9)) == 0:
        return made.to(memory_format=torch.channels_last)
    return made.mT if len(shape) > 1 and draw(st.integers(0, 9)) == 0 else made


def numbers(rank: int, each: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """A number, or one for each dimension, or a sequence of one."""
    return each | st.lists(each, min_size=rank, max_size=rank).map(tuple) | each.map(lambda n: [n])


@st.composite
def convolutions(draw: st.DrawFn) -> Call:
    rank = draw(st.integers(1, 3))
    groups, depth, times = draw(st.integers(1, 3)), draw(STEPS), draw(STEPS)
    channels = groups * depth + draw(st.sampled_from([0, 0, 0, 1]))
    sizes = draw(st.lists(SIZES, min_size=rank, max_size=rank))
    kernel = draw(st.lists(st.integers(1, 5), min_size=rank, max_size=rank))
    image = draw(tensors(draw(STEPS), channels, *sizes))
    weight = draw(tensors(groups * times, depth, *kernel))
    bias = draw(st.none() | tensors(groups * times))
    options = {
        "stride": draw(numbers(rank, STEPS)),
        "padding": draw(numbers(rank, st.integers(0, 3)) | st.just("valid")),
        "dilation": draw(numbers(rank, STEPS)),
        "groups": groups,
    }
    function = (torch.conv1d, torch.conv2d, torch.conv3d)[rank - 1]
    return function, (image, weight, bias), options


@st.composite
def poolings(draw: st.DrawFn) -> Call:
    image = draw(tensors(draw(STEPS), draw(STEPS), draw(SIZES), draw(SIZES)))
    kernel = draw(numbers(2, st.integers(1, 5)))
    options: dict[str, Any] = {"padding": draw(numbers(2, st.integers(0, 2)))}
    if draw(st.booleans()):
        options["stride"] = draw(numbers(2, STEPS))
    if draw(st.integers(0, 3)) == 0:
        options["ceil_mode"] = True
    function = draw(
        st.sampled_from([torch.max_pool2d, functional.max_pool2d, functional.avg_pool2d])
    )
    if function is not functional.avg_pool2d and draw(st.booleans()):
        options["dilation"] = draw(numbers(2, STEPS))
    return function, (image, kernel), options


@st.composite
def adaptive_poolings(draw: st.DrawFn) -> Call:
    image = draw(tensors(draw(STEPS), draw(STEPS), draw(SIZES), draw(SIZES)))
    size = st.none() | SIZES
    return functional.adaptive_avg_pool2d, (image, draw(SIZES | st.tuples(size, size))), {}


@st.composite
def linears(draw: st.DrawFn) -> Call:
    features = draw(SIZES)
    outer = draw(st.lists(SIZES, min_size=0, max_size=3))
    off = draw(st.sampled_from([0, 0, 0, 1]))
    weight = draw(tensors(draw(SIZES), features + off))
    bias = draw(st.none() | tensors(weight.shape[0]))
    return functional.linear, (draw(tensors(*outer, features)), weight, bias), {}


@st.composite
def concatenations(draw: st.DrawFn) -> Call:
    shape = draw(st.lists(SIZES, min_size=1, max_size=4))
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        other = [*shape]
        other[dim if -len(shape) <= dim < len(shape) else 0] = draw(SIZES)
        parts.append(draw(tensors(*other)))
    return torch.cat, (draw(st.sampled_from([tuple, list]))(parts), dim), {}


@st.composite
def pairs(draw: st.DrawFn) -> Call:
    function = draw(st.sampled_from([torch.add, torch.sub, Tensor.mul, Tensor.div]))
    shape = draw(st.lists(SIZES, min_size=0, max_size=4))
    other = [draw(st.sampled_from([size, size, 1, 7])) for size in shape]
    cut = draw(st.integers(0, len(other)))
    second = draw(tensors(*other[cut:]) | st.sampled_from([2, 0.5, 1j]))
    return function, (draw(tensors(*shape)), second), {}


@pytest.mark.parametrize(
    "calls", [convolutions, poolings, adaptive_poolings, linears, concatenations, pairs]
)
def test_a_shape_by_formula_is_the_one_of_torch(
    calls: Callable[[], st.SearchStrategy[Call]],
) -> None:
    known = 0

    @settings(max_examples=150, deadline=None)
    @given(calls())
    def agree(call: Call) -> None:
        nonlocal known
        function, args, kwargs = call
        found = shape_of(function, args, kwargs)
        if found is not None:
            known += 1
            assert described(given_shape(*found)) == described(function(*args, **kwargs))

    agree()
    assert known > 10


def described(tensor: Tensor) -> tuple[object, ...]:
    """Everything that code can ask of a tensor without data; a stride of one item says nothing."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    strides = tuple(stride for size, stride in sizes if size > 1)
    return (
        type(tensor),
        tensor.device.type,
        tensor.dtype,
        tuple(tensor.shape),
        strides,
        tensor.requires_grad,
        tensor.is_leaf,
        tensor.storage_offset(),
        tensor.untyped_storage().nbytes(),
    )


def test_tensors_of_other_kinds_have_no_shape_by_formula() -> None:
    image, weight = torch.zeros(1, 3, 8, 8), nn.Parameter(torch.empty(4, 3, 3, 3, device="meta"))
    assert shape_of(torch.conv2d, (image, weight), {}) is None
    assert shape_of(torch.conv2d, (image.to("meta"), weight), {}) is not None
    assert shape_of(torch.conv2d, (image.to("meta").double(), weight), {}) is None
    assert shape_of(torch.cat, ([],), {}) is None
    assert shape_of(torch.matmul, (weight, weight), {}) is None
    out = torch.empty(0, device="meta")
    assert shape_of(torch.add, (weight, 2), {"out": out}) is None


def test_without_gradients_nothing_requires_one() -> None:
    weight = nn.Parameter(torch.empty(4, 3, device="meta"))
    with torch.no_grad():
        assert described(given_shape([weight], (4, 3))) == described(weight.detach())
