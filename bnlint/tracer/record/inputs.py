"""What to feed a model with: what the user says, or guesses from its first layers."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bnlint.immutable import immutable

Size = tuple[tuple[int, ...], str]
"""The sizes of an input and the name of its type, ``float32`` for images."""

TOKENS = 16
"""The length of a guessed sequence."""

_IMAGES = {
    1: ((200,), (4096,), (16000,)),
    2: ((224, 224), (32, 32), (256, 256), (299, 299), (331, 331), (28, 28), (64, 64), (512, 512)),
    3: ((16, 112, 112), (32, 32, 32), (16, 224, 224), (64, 64, 64)),
}
_LAST = ((224, 224), (473, 473))
"""Images of three channels that are tried after all else; 473 is 8 k + 1, as PSPNet wants it."""
_SEEDS = {1: ((1,), (8,)), 2: ((1, 1), (4, 4), (8, 8), (32, 32)), 3: ((1, 1, 1), (4, 4, 4))}
"""What transposed convolutions at the beginning of a generator blow up."""
_MOST_KINDS = 3
_SIZE_ATTRIBUTES = ("in_size", "img_size", "image_size", "input_size", "default_cfg")
_LABELS = frozenset(
    "label labels target targets y gt cls classes class_ids class_labels t time timestep timesteps"
    " step steps noise_level index indices idx ids".split()
)
"""Names of further parameters that one whole number for each sample is given to."""
_LENGTHS = frozenset("length lengths len lens seq_len seq_lens seq_lengths x_len".split())


@immutable
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
    """Yield what may be fed to a model: the given sizes, or guesses, likeliest first.

    Guesses for the first input come from the first layers and from sizes that the model remembers;
    every other parameter that ``forward`` requires gets labels or lengths if it is named so, else
    the same as the first. Raises ``ValueError`` for the name of a type that torch does not have.
    """
    if sizes is not None:
        yield Inputs(tuple(_made(size, device) for size in sizes))
        return
    names = _required(model)
    for size in dict.fromkeys(_guesses(model, batch)):
        for rest in dict.fromkeys((_by_name(names, size), (size,) * len(names[1:]))):
            yield Inputs(tuple(_made(each, device) for each in (size, *rest)), guessed=True)
    for (samples, channels, *image), name in _images_of_several(model, batch, len(names)):
        size = (samples, channels // len(names), *image), name
        yield Inputs(tuple(_made(size, device) for _ in names), guessed=True)


# -- the first input ------------------------------------------------------------------------------


def _guesses(model: nn.Module, batch: int) -> Iterator[Size]:
    """Sizes by the first layer that says what it takes, then by the first of other kinds.

    A model that keeps the size of an image with its channels, as those of timm do, takes that.
    """
    kinds: set[type] = set()
    for size in _kept(model):
        if len(size) == 3:
            yield (batch, *size), "float32"
    for module in model.modules():
        kind = nn.modules.conv._ConvNd if _is_convolution(module) else type(module)
        found = [] if kind in kinds else [*_taken_by(module, batch, model)]
        if found:
            kinds.add(kind)
            yield from found
        if len(kinds) == _MOST_KINDS:
            break
    usual = _LAST if kinds else _IMAGES[2]  # the first layer need not be called first
    yield from (((batch, 3, *image), "float32") for image in usual)


def _taken_by(layer: Any, batch: int, model: nn.Module) -> Iterator[Size]:
    """Sizes that a layer takes; nothing for one that does not tell."""
    match layer:
        case nn.modules.conv._ConvNd():
            rank = len(layer.kernel_size)
            usual = _SEEDS[rank] if layer.transposed else _IMAGES[rank]
            for image in (*_remembered(model, rank), *usual):
                yield (batch, layer.in_channels, *image), "float32"
        case nn.BatchNorm1d() | nn.InstanceNorm1d():
            yield (batch, layer.num_features), "float32"
            yield (batch, layer.num_features, *_IMAGES[1][0]), "float32"
        case nn.modules.batchnorm._NormBase():
            rank = 3 if isinstance(layer, nn.BatchNorm3d | nn.InstanceNorm3d) else 2
            yield (batch, layer.num_features, *_IMAGES[rank][0]), "float32"
        case nn.GroupNorm():
            yield (batch, layer.num_channels, *_IMAGES[2][0]), "float32"
        case nn.Embedding() | nn.EmbeddingBag():
            yield (batch, TOKENS), "int64"
        case nn.Linear():
            yield (batch, layer.in_features), "float32"
            yield (batch, TOKENS, layer.in_features), "float32"
        case nn.RNNBase():
            first = (batch, TOKENS) if layer.batch_first else (TOKENS, batch)
            yield (*first, layer.input_size), "float32"
        case nn.MultiheadAttention():
            yield (batch, TOKENS, layer.embed_dim), "float32"
        case nn.LayerNorm():
            yield (batch, TOKENS, *layer.normalized_shape), "float32"


def _is_convolution(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.conv._ConvNd)


def _remembered(model: nn.Module, rank: int) -> Iterator[tuple[int, ...]]:
    """Sizes of images that a model or a layer of it keeps under a telling name."""
    for module in model.modules():
        for size in _kept(module):
            if len(size) == 1:
                yield size * rank
            elif len(size) in (rank, rank + 1):
                yield size[-rank:]


def _kept(module: nn.Module) -> Iterator[tuple[int, ...]]:
    for name in _SIZE_ATTRIBUTES:
        size = _size_in(module.__dict__.get(name))
        if size is not None:
            yield size


def _size_in(value: Any) -> tuple[int, ...] | None:
    """The sizes behind ``224``, ``(224, 224)``, ``(3, 224, 224)``, or an option of that name."""
    match value:
        case {"input_size": inner}:
            return _size_in(inner)
        case bool():
            return None
        case int():
            value = (value,)
    if isinstance(value, list | tuple):
        given = all(type(size) is int and size > 0 for size in value)
        return tuple(value) if value and given else None
    inner = getattr(value, "input_size", None)
    return None if inner is None else _size_in(inner)


def _images_of_several(model: nn.Module, batch: int, inputs: int) -> Iterator[Size]:
    """What the first convolution takes, if it may be several inputs on top of each other."""
    first = next(filter(_is_convolution, model.modules()), None)
    for size in () if first is None or inputs < 2 else _taken_by(first, batch, model):
        if size[0][1] % inputs == 0:
            yield size


# -- the other inputs -----------------------------------------------------------------------------


def _required(model: nn.Module) -> tuple[str, ...]:
    """The names of the inputs that the forward needs; there is at least one."""
    while isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        model = model.module
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):  # of scripted modules
        return ("input",)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p.name for p in parameters if p.kind in positional and p.default is p.empty]
    return tuple(needed) or ("input",)


def _by_name(names: Sequence[str], first: Size) -> tuple[Size, ...]:
    """Sizes for the inputs after the first."""
    batch = first[0][:1]
    whole = _LABELS | _LENGTHS
    return tuple((batch, "int64") if name.lower() in whole else first for name in names[1:])


# -- tensors --------------------------------------------------------------------------------------


def _made(size: Size, device: str) -> Tensor:
    shape, name = size
    return torch.zeros(shape, dtype=_dtype(name), device=device)


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"`{name}` is no type of torch: float32, float16, int64 ... are")
    return found


def _words(tensor: Tensor) -> str:
    words = "x".join(map(str, tensor.shape))
    return words if tensor.dtype is torch.float32 else f"{words}:{str(tensor.dtype)[6:]}"
