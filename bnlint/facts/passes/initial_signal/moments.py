"""Means and variances of channels, and what activations make of them.

The values of a channel are taken to be Gaussian, and so are the means of the channels.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from bnlint.immutable import immutable

Function = Callable[[float], float]
_NODES = 24
_REACH = 5.5
"""Integrals are taken over so many steps between so many standard deviations on both sides."""


@immutable
class Moments:
    """What is known of a tensor's channels: each has a mean, and a variance around it.

    ``mean`` and ``spread`` are the average and the variance of the means over the channels,
    ``variance`` is the average of the variances.
    """

    mean: float
    spread: float
    variance: float

    @property
    def squared_mean(self) -> float:
        """The squared means, averaged over the channels."""
        return self.mean**2 + self.spread

    @property
    def square(self) -> float:
        """The mean square of all values."""
        return self.squared_mean + self.variance

    def times(self, factor: float) -> "Moments":
        """Those of the tensor multiplied by a number."""
        square = factor**2
        return Moments(self.mean * factor, self.spread * square, self.variance * square)

    def plus(self, other: "Moments") -> "Moments":
        """Those of the sum with a tensor that is not correlated with it."""
        return Moments(
            self.mean + other.mean, self.spread + other.spread, self.variance + other.variance
        )

    def mixed(self, gain: float) -> "Moments":
        """Those behind random weights of mean 0 and some gain."""
        return Moments(0.0, gain * self.squared_mean, gain * self.variance)

    def pooled(self, values: float) -> "Moments":
        """Those of averages of so many values that have nothing but their mean in common."""
        return replace(self, variance=self.variance / values)


UNIT = Moments(0.0, 0.0, 1.0)


def activated(moments: Moments, name: str, slope: float | None = None) -> Moments | None:
    """What an activation makes of them, by its name in small letters without underscores.

    ``slope`` is that of a leaky ReLU below zero. ``None`` for an activation that is not known.
    """
    if name in PIECEWISE:
        negative = PIECEWISE[name] if slope is None else slope
        return _over_channels(moments, lambda mean, std: _leaky(mean, std, negative))
    function = SMOOTH.get(name)
    if function is None:
        return None
    return _over_channels(moments, lambda mean, std: _integrated(mean, std, function))


PIECEWISE: Mapping[str, float] = {"relu": 0.0, "leakyrelu": 0.01, "prelu": 0.25, "rrelu": 11 / 48}
"""Activations of slope 1 above zero, with the slope below it that they have by default."""


def _over_channels(
    moments: Moments, channel: Callable[[float, float], tuple[float, float]]
) -> Moments:
    """Average over the channels what ``channel`` says of one: the mean and the mean square."""
    deviation, spread = math.sqrt(moments.variance), math.sqrt(moments.spread)
    mean = squared_mean = square = 0.0
    for z, weight in _weights() if spread else ((0.0, 1.0),):
        own, own_square = channel(moments.mean + spread * z, deviation)
        mean += weight * own
        squared_mean += weight * own**2
        square += weight * own_square
    return Moments(mean, max(0.0, squared_mean - mean**2), max(0.0, square - squared_mean))


def _leaky(mean: float, deviation: float, slope: float) -> tuple[float, float]:
    """``slope * x + (1 - slope) * relu(x)``."""
    if deviation == 0:
        value = mean if mean > 0 else slope * mean
        return value, value**2
    z = mean / deviation
    below = math.erfc(z / math.sqrt(2)) / 2
    density = math.exp(-(z * z) / 2) / math.sqrt(2 * math.pi)
    square = mean**2 + deviation**2
    above = mean * (1 - below) + deviation * density
    square_above = square * (1 - below) + mean * deviation * density
    return (
        slope * mean + (1 - slope) * above,
        slope**2 * square + (1 - slope**2) * square_above,
    )


def _integrated(mean: float, deviation: float, function: Function) -> tuple[float, float]:
    values = [(function(mean + deviation * z), weight) for z, weight in _weights()]
    return sum(v * weight for v, weight in values), sum(v * v * weight for v, weight in values)


@cache
def _weights() -> tuple[tuple[float, float], ...]:
    """Points and weights of a standard normal variable."""
    points = [_REACH * (2 * number / _NODES - 1) for number in range(_NODES + 1)]
    heights = [math.exp(-(z * z) / 2) for z in points]
    return tuple((z, height / sum(heights)) for z, height in zip(points, heights, strict=True))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _selu(x: float) -> float:
    return 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x))


SMOOTH: Mapping[str, Function] = {
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * math.tanh(_softplus(x)),
    "hardswish": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "celu": lambda x: x if x > 0 else math.expm1(x),
    "selu": _selu,
    "softplus": _softplus,
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "hardtanh": lambda x: min(max(x, -1.0), 1.0),
    "hardsigmoid": lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    "softsign": lambda x: x / (1 + abs(x)),
}
"""Other activations, with the parameters that they have by default."""
