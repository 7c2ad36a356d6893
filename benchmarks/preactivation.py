"""Pre-activation ResNets with and without normalisation, to measure their signal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Padding = Literal["zeros", "circular"]

HE = math.sqrt(2)
"""He et al. 2015: makes up for what ReLU takes away."""

GAMMA = math.sqrt(2 / (1 - 1 / math.pi))
"""1 / the standard deviation of ReLU(z), z standard normal: the gain of Scaled WS before it."""


@dataclass(frozen=True)
class Variant:
    """How a block is made.

    ``order`` is what stands before each convolution: ``BN ReLU``, ``ReLU BN`` or ``ReLU``. Weights
    are normal with the standard deviation ``gain / sqrt(fan in)``. ``alpha`` makes the network
    normalizer-free, ``standardised`` gives it Scaled Weight Standardization, ``padding`` is the
    convolutions' padding mode.
    """

    order: str = "BN ReLU"
    gain: float = HE
    alpha: float | None = None
    standardised: bool = False
    padding: Padding = "zeros"


class ScaledConv2d(nn.Conv2d):
    """A convolution with Scaled Weight Standardization (Brock, De and Smith 2021, section 4)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, *, mode: Padding, gamma: float
    ) -> None:
        around = kernel // 2
        super().__init__(inputs, outputs, kernel, stride, around, bias=False, padding_mode=mode)
        self.gamma = gamma

    def forward(self, x: Tensor) -> Tensor:
        """Convolve with the standardised weights."""
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        scale = (variance * self.weight[0].numel() + 1e-8).sqrt()
        weight = self.gamma * (self.weight - mean) / scale
        if self.padding_mode != "zeros" and self.padding[0]:
            x = F.pad(x, 4 * (int(self.padding[0]),), mode=self.padding_mode)
            return F.conv2d(x, weight, None, self.stride)
        return F.conv2d(x, weight, None, self.stride, self.padding)


def convolution(
    variant: Variant, inputs: int, outputs: int, kernel: int, stride: int = 1, gamma: float = GAMMA
) -> nn.Conv2d:
    """A convolution as the variant has it, initialised."""
    mode, around = variant.padding, kernel // 2
    if variant.standardised:
        layer: nn.Conv2d = ScaledConv2d(inputs, outputs, kernel, stride, mode=mode, gamma=gamma)
    else:
        layer = nn.Conv2d(inputs, outputs, kernel, stride, around, bias=False, padding_mode=mode)
    nn.init.normal_(layer.weight, std=variant.gain / math.sqrt(layer.weight[0].numel()))
    return layer


def activation(variant: Variant, channels: int) -> nn.Sequential:
    """What stands before a convolution."""
    made = {"BN": nn.BatchNorm2d(channels), "ReLU": nn.ReLU()}
    return nn.Sequential(*[made[word] for word in variant.order.split()])


class Block(nn.Module):
    """A bottleneck of three convolutions; the skip of a transition starts behind the activation."""

    def __init__(
        self, variant: Variant, inputs: int, outputs: int, stride: int, beta: float
    ) -> None:
        super().__init__()
        middle = outputs // 4
        self.beta = beta
        self.alpha = variant.alpha or 1.0
        self.start = activation(variant, inputs)
        self.branch = nn.Sequential(
            convolution(variant, inputs, middle, 1),
            activation(variant, middle),
            convolution(variant, middle, middle, 3, stride),
            activation(variant, middle),
            convolution(variant, middle, outputs, 1),
        )
        self.skip = None
        if inputs != outputs or stride != 1:
            self.skip = convolution(variant, inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the skip."""
        start = self.start(x if self.beta == 1 else x / self.beta)
        skip = x if self.skip is None else self.skip(start)
        branch = self.branch(start)
        total: Tensor = skip + (branch if self.alpha == 1 else branch * self.alpha)
        return total


class Network(nn.Module):
    """A stem and stages of blocks; each stage but the first halves the image."""

    def __init__(self, variant: Variant, blocks: Sequence[int], width: int = 16) -> None:
        super().__init__()
        self.stem = convolution(variant, 3, width, 3, gamma=1.0)  # no activation before it
        if not variant.standardised:
            nn.init.normal_(self.stem.weight, std=1 / math.sqrt(27))
        made: list[list[nn.Module]] = []
        inputs, expected = width, 1.0
        for stage, number in enumerate(blocks):
            outputs = 4 * width * 2**stage
            made.append([])
            for index in range(number):
                beta = 1.0 if variant.alpha is None else math.sqrt(expected)
                stride = 2 if stage and not index else 1
                made[-1].append(Block(variant, inputs, outputs, stride, beta))
                inputs = outputs
                expected = (expected if index else 1.0) + (variant.alpha or 1.0) ** 2
        self.stages = nn.Sequential(*[nn.Sequential(*stage) for stage in made])

    def forward(self, x: Tensor) -> Tensor:
        """Return the last stage's output."""
        output: Tensor = self.stages(self.stem(x))
        return output


VARIANTS = {
    "BN-ReLU-conv, He": Variant("BN ReLU"),
    "ReLU-BN-conv, gain 1": Variant("ReLU BN", gain=1.0),
    "no normalisation, He": Variant("ReLU"),
    "normalizer-free, He": Variant("ReLU", alpha=1.0),
    "normalizer-free, Scaled WS": Variant("ReLU", alpha=1.0, standardised=True),
}
"""The networks that the paper compares."""
