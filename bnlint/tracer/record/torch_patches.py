"""What torch needs to be told so that models run without a GPU, without data and in good time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from bnlint.immutable import immutable
from bnlint.tracer.record.no_compiler import leave_dynamo_out as leave_dynamo_out

TENSOR_TYPES = {
    "FloatTensor": torch.float32,
    "DoubleTensor": torch.float64,
    "HalfTensor": torch.float16,
    "LongTensor": torch.int64,
    "IntTensor": torch.int32,
    "ByteTensor": torch.uint8,
    "BoolTensor": torch.bool,
}
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)

_FORWARDS = (nn.BatchNorm2d.forward, nn.SyncBatchNorm.forward)


@contextmanager
def without_cuda(device: str) -> Iterator[None]:
    """Let what the code puts on a GPU stay on ``device``."""

    def same(self: Any, *_: object, **__: object) -> Any:
        return self

    with ExitStack() as stack:
        for owner in (nn.Module, Tensor):
            stack.enter_context(patch.object(owner, "cuda", same))
        for name, dtype in TENSOR_TYPES.items():
            stack.enter_context(patch.object(torch.cuda, name, _TensorType(dtype, device)))
        for name in ("synchronize", "set_device", "empty_cache"):
            stack.enter_context(patch.object(torch.cuda, name, lambda *_: None))
        here = torch.device(device)
        stack.enter_context(patch.object(torch.cuda, "current_device", lambda: here))
        yield


@immutable
class _TensorType:
    """Stands for ``torch.cuda.FloatTensor`` and the like; no tensor is one of these."""

    dtype: torch.dtype
    device: str

    def __call__(self, *values: Any) -> Tensor:
        if all(isinstance(value, int) for value in values):
            return torch.zeros(*values or (0,), dtype=self.dtype, device=self.device)
        return torch.tensor(values[0], dtype=self.dtype, device=self.device)

    def __instancecheck__(self, instance: object) -> bool:
        return False


def instead_of_cuda(value: Any, device: str) -> Any:
    """``device`` for a GPU, and everything else as it is."""
    return torch.device(device) if _is_cuda(value) else value


def _is_cuda(value: object) -> bool:
    if isinstance(value, torch.device):
        return value.type == "cuda"
    return isinstance(value, str) and value.startswith("cuda")


def batch_norm_error(module: nn.modules.batchnorm._BatchNorm, given: Tensor) -> str | None:
    """What torch raises for a BatchNorm layer and its input, ``None`` where it works."""
    try:
        module._check_input_dim(given)  # type: ignore[no-untyped-call]
    except (ValueError, NotImplementedError) as error:
        return str(error)
    by_batch = module.training or module.running_mean is None
    return statistics_error(given, module.running_mean, None, module.weight, training=by_batch)


def statistics_error(
    given: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    **_: object,
) -> str | None:
    """What ``F.batch_norm`` raises for its arguments, ``None`` where it works."""
    if given.dim() < 2:
        return f"expected at least 2D input (got {given.dim()}D input)"
    channels = given.shape[1]
    if training and given.numel() // max(channels, 1) == 1:
        return f"Expected more than 1 value per channel when training, got input size {given.shape}"
    for name, tensor in (("running_mean", running_mean), ("weight", weight)):
        if tensor is not None and tensor.numel() != channels:
            return f"{name} should contain {channels} elements not {tensor.numel()}"
    return None


@contextmanager
def forgiving_ranks(complain: Callable[[str], None]) -> Iterator[None]:
    """Let BatchNorm layers ``complain`` of the rank of their input and go on."""

    def lenient(check: Callable[[Any, Tensor], None]) -> Callable[[Any, Tensor], None]:
        def checked(self: nn.Module, given: Tensor) -> None:
            try:
                check(self, given)
            except ValueError as error:
                complain(str(error))

        return checked

    with ExitStack() as stack:
        for norm in NORMS:
            check = lenient(norm._check_input_dim)
            stack.enter_context(patch.object(norm, "_check_input_dim", check))
        yield


def is_batch_norm(module: nn.Module, args: tuple[object, ...]) -> bool:
    """Whether a layer of torch normalises a batch, and has a tensor to normalise."""
    return (
        isinstance(module, nn.modules.batchnorm._BatchNorm)
        and not isinstance(module, nn.modules.lazy.LazyModuleMixin)
        and len(args) == 1
        and isinstance(args[0], Tensor)
    )


def runs_fast(module: nn.Module, given: Tensor) -> bool:
    """Whether a layer is a plain BatchNorm on data-less input, whose output's shape is its input's.

    Torch computes that in Python, which takes longer than all the rest.
    """
    return (
        given.is_meta
        and type(module).forward in _FORWARDS
        and not (module._forward_hooks or module._forward_pre_hooks)
    )
