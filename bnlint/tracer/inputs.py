"""What to feed a model with: what the user says, or guesses from its first layers."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Size = tuple[tuple[int, ...], str]
"""The sizes of an input and the name of its type, ``float32`` for images."""

_IMAGES = {
    1: ((200,), (4096,)),
    2: ((224, 224), (32, 32), (256, 256), (299, 299), (331, 331), (28, 28), (512, 512)),
    3: ((16, 112, 112), (32, 32, 32), (16, 224, 224)),
}
_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Inputs:
    """Tensors for one forward; ``guessed`` says that nobody gave their sizes."""

    tensors: tuple[Tensor, ...]
    guessed: bool = False

    @property
    def sizes(self) -> tuple[str, ...]:
        """Sizes in words: ``2x3x224x224``, with the type where it is not float32."""
        return tuple(_words(tensor) for tensor in self.tensors)


def example_inputs(
    model: nn.Module, sizes: Sequence[Size] | None = None, batch: int = 2, device: str = "meta"
) -> Iterator[Inputs]:
    """Yield what may be fed to a model: the given sizes, or guesses, likeliest first."""
    if sizes is not None:
        made = tuple(torch.zeros(s, dtype=_dtype(name), device=device) for s, name in sizes)
        yield Inputs(made)
        return
    count = _required(model)
    for size, name in _guesses(model, batch):
        one = torch.zeros(size, dtype=_dtype(name), device=device)
        yield Inputs(tuple(one.clone() for _ in range(count)), guessed=True)


def _guesses(model: nn.Module, batch: int) -> Iterator[Size]:
    kinds = (nn.modules.conv._ConvNd, nn.Linear, nn.Embedding, nn.modules.batchnorm._BatchNorm)
    first = next((module for module in model.modules() if isinstance(module, kinds)), None)
    match first:
        case nn.modules.conv._ConvNd():
            for image in _IMAGES[first.weight.dim() - 2]:
                yield (batch, first.in_channels, *image), "float32"
        case nn.Linear():
            yield (batch, first.in_features), "float32"
            yield (batch, _TOKENS, first.in_features), "float32"
        case nn.Embedding():
            yield (batch, _TOKENS), "int64"
        case _:
            for image in _IMAGES[2]:
                yield (batch, 3, *image), "float32"


def _required(model: nn.Module) -> int:
    """How many inputs the forward needs."""
    parameters = inspect.signature(model.forward).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return max(1, len(needed))


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"`{name}` is no type of torch: float32, float16, int64 ... are")
    return found


def _words(tensor: Tensor) -> str:
    words = "x".join(map(str, tensor.shape))
    return words if tensor.dtype is torch.float32 else f"{words}:{str(tensor.dtype)[6:]}"
