"""What torch needs to be told so that models run without a GPU, without data and in good time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

TENSOR_TYPES = {
    "FloatTensor": torch.float32,
    "DoubleTensor": torch.float64,
    "HalfTensor": torch.float16,
    "LongTensor": torch.int64,
    "IntTensor": torch.int32,
    "ByteTensor": torch.uint8,
    "BoolTensor": torch.bool,
}


def leave_dynamo_out() -> None:
    """Keep the first operation on the meta device from importing torch's compiler.

    That takes two seconds and writes a file. Only for a process that compiles nothing.
    """
    if "torch._dynamo" not in sys.modules:
        stub = ModuleType("torch._dynamo")
        stub.disable = lambda function=None, *_, **__: function  # type: ignore[attr-defined]
        sys.modules["torch._dynamo"] = stub


def is_cuda(value: object) -> bool:
    """Whether an argument names a GPU."""
    if isinstance(value, torch.device):
        return value.type == "cuda"
    return isinstance(value, str) and (value == "cuda" or value.startswith("cuda:"))


@contextmanager
def without_cuda(device: str) -> Iterator[None]:
    """Let what the code puts on a GPU stay on ``device``."""

    def same(self: Any, *_: object, **__: object) -> Any:
        return self

    with ExitStack() as stack:
        for owner in (nn.Module, Tensor):
            stack.enter_context(patch.object(owner, "cuda", same))
        for name, dtype in TENSOR_TYPES.items():
            stack.enter_context(patch.object(torch.cuda, name, _maker(dtype, device)))
        yield


def _maker(dtype: torch.dtype, device: str) -> Callable[..., Tensor]:
    def make(*values: Any) -> Tensor:
        if values and all(isinstance(value, int) for value in values):
            return torch.zeros(*values, dtype=dtype, device=device)
        return torch.tensor(*values, dtype=dtype, device=device)

    return make


def batch_norm_error(module: nn.modules.batchnorm._BatchNorm, given: Tensor) -> str | None:
    """What torch raises for a BatchNorm layer and its input, ``None`` where it works."""
    try:
        module._check_input_dim(given)
    except (ValueError, NotImplementedError) as error:
        return str(error)
    channels = given.shape[1]
    by_batch = module.training or module.running_mean is None
    if by_batch and given.numel() // max(channels, 1) == 1:
        return f"Expected more than 1 value per channel when training, got input size {given.shape}"
    tensors = {"running_mean": module.running_mean, "weight": module.weight}
    for name, tensor in tensors.items():
        if tensor is not None and tensor.numel() != channels:
            return f"{name} should contain {channels} elements not {tensor.numel()}"
    return None


def runs_fast(module: nn.Module, args: tuple[object, ...], kwargs: object) -> bool:
    """Whether a layer is a plain BatchNorm on data-less input, whose output's shape is its input's.

    Torch computes that in Python, which takes longer than all the rest.
    """
    return (
        isinstance(module, nn.modules.batchnorm._BatchNorm)
        and type(module).forward in _FORWARDS
        and len(args) == 1
        and not kwargs
        and isinstance(args[0], Tensor)
        and args[0].is_meta
        and args[0].dim() > 1
        and not (module._forward_hooks or module._forward_pre_hooks)
    )


_FORWARDS = (nn.BatchNorm2d.forward, nn.SyncBatchNorm.forward)


def after_batch_norm(given: Tensor) -> Tensor:
    """The output of a BatchNorm layer on the meta device."""
    return torch.empty_like(given)
