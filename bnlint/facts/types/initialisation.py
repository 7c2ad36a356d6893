"""With which random weights layers begin, and by what that multiplies the signal.

A layer whose weights are independent, of mean 0 and variance v, gives each output the variance n v
times the mean square of its inputs, n being the number of inputs that it sums. That factor is the
layer's *gain* here: 2 with He initialisation, 1 with LeCun's, 1/3 with PyTorch's default (uniform up
to 1 / sqrt(n)).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from bnlint.facts.types.site import real
from bnlint.immutable import immutable


@immutable
class Draw:
    """Random numbers of mean 0 as a function of ``torch.nn.init`` draws them.

    ``name`` is the function's without the trailing underscore, ``given`` its arguments by name as
    far as they are given, ``scale`` what the code multiplies the numbers by afterwards.
    """

    name: str
    given: Mapping[str, object] = field(default_factory=dict, hash=False)
    scale: float = 1.0

    def times(self, factor: float) -> "Draw":
        """The same numbers, multiplied."""
        return replace(self, scale=self.scale * factor)


PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "normal": ("mean", "std"),
    "trunc_normal": ("mean", "std", "a", "b"),
    "uniform": ("a", "b"),
    "kaiming_uniform": ("a", "mode", "nonlinearity"),
    "kaiming_normal": ("a", "mode", "nonlinearity"),
    "xavier_uniform": ("gain",),
    "xavier_normal": ("gain",),
    "orthogonal": ("gain",),
}
"""What functions of ``torch.nn.init`` take behind the tensor, by name without the underscore."""
_METHODS = {"from": "a", "from_": "a", "to": "b"}
"""Names of the same parameters of methods of tensors."""


def draw_by(
    function: str, positional: Sequence[object], keywords: Mapping[str, object]
) -> Draw | None:
    """What a function of ``torch.nn.init``, or a method of that name, draws.

    The arguments are those behind the tensor. ``None`` for a function that is not known.
    """
    name = function.rstrip("_")
    names = PARAMETERS.get(name)
    if names is None:
        return None
    given = dict(zip(names, positional, strict=False))
    given |= {_METHODS.get(key, key): value for key, value in keywords.items()}
    return Draw(name, {key: value for key, value in given.items() if key in names})


DEFAULT = Draw("kaiming_uniform", {"a": math.sqrt(5)})
"""What ``reset_parameters`` of linear and convolutional layers draws."""


@immutable
class Fans:
    """The sizes that initialisers know a weight by; ``None`` where a width is not known.

    ``summed`` is how many inputs one output really sums, which for a transposed convolution is not
    what ``torch.nn.init`` takes for the fan-in; ``rows`` is the first size of the weight.
    """

    inputs: float | None
    outputs: float | None
    summed: float | None
    rows: float | None


def gain(draw: Draw, fans: Fans) -> float | None:
    """By what a layer with such weights multiplies the mean square of its input.

    ``None`` where that depends on a width or an argument that is not known.
    """
    by_fan_in = _gain_by_fan_in(draw, fans)
    share = 1.0 if fans.summed == fans.inputs else _ratio(fans.summed, fans.inputs)
    return None if by_fan_in is None or share is None else by_fan_in * share * draw.scale**2


def root_mean_square(draw: Draw) -> float | None:
    """The size of such numbers, where it does not depend on that of the weight."""
    match draw.name:
        case "normal" | "trunc_normal":
            mean, std = _numbers(draw, mean=0.0, std=1.0)
            square = None if mean is None or std is None else mean**2 + std**2
        case "uniform":
            low, high = _numbers(draw, a=0.0, b=1.0)
            known = low is not None and high is not None
            square = (low**2 + low * high + high**2) / 3 if known else None  # type: ignore[operator]
        case _:
            return None
    return None if square is None else math.sqrt(square) * abs(draw.scale)


def is_symmetric(draw: Draw) -> bool:
    """Whether half of such numbers are negative."""
    match draw.name:
        case "normal" | "trunc_normal":
            return _numbers(draw, mean=0.0) == [0.0]
        case "uniform":
            low, high = _numbers(draw, a=0.0, b=1.0)
            return low is not None and high is not None and low == -high
    return False


def nonlinearity_gain(name: object, parameter: object = None) -> float | None:
    """``torch.nn.init.calculate_gain``: a standard deviation, or ``None`` for no such name."""
    match name, parameter:
        case "relu", _:
            return math.sqrt(2)
        case "tanh", _:
            return 5 / 3
        case "selu", _:
            return 3 / 4
        case "leaky_relu", None:
            return math.sqrt(2 / (1 + 0.01**2))
        case "leaky_relu", int() | float() as slope:
            return math.sqrt(2 / (1 + slope**2))
        case str(), _ if name in _LINEAR:
            return 1.0
    return None


_LINEAR = frozenset(
    """linear sigmoid conv1d conv2d conv3d conv_transpose1d conv_transpose2d
    conv_transpose3d""".split()
)
LIMIT = 2.0
"""Where ``trunc_normal_`` cuts off by default, in absolute units."""


def _gain_by_fan_in(draw: Draw, fans: Fans) -> float | None:
    """The variance of the numbers times the fan-in."""
    match draw.name:
        case "kaiming_uniform" | "kaiming_normal":
            return _kaiming(draw, fans)
        case "xavier_uniform" | "xavier_normal":
            return _xavier(draw, fans)
        case "orthogonal":
            return _orthogonal(draw, fans)
    variance = _variance(draw)
    return None if variance is None or fans.inputs is None else variance * fans.inputs


def _kaiming(draw: Draw, fans: Fans) -> float | None:
    nonlinearity = draw.given.get("nonlinearity", "leaky_relu")
    single = nonlinearity_gain(nonlinearity, draw.given.get("a", 0))
    match draw.given.get("mode", "fan_in"):
        case "fan_in":
            share: float | None = 1.0
        case "fan_out":
            share = _ratio(fans.inputs, fans.outputs)
        case _:
            share = None
    return None if single is None or share is None else single**2 * share


def _xavier(draw: Draw, fans: Fans) -> float | None:
    single = real(draw.given.get("gain", 1.0))
    share = _ratio(fans.outputs, fans.inputs)
    return None if single is None or share is None else 2 * single**2 / (1 + share)


def _orthogonal(draw: Draw, fans: Fans) -> float | None:
    """Rows of length 1, or columns where there are fewer of them."""
    single = real(draw.given.get("gain", 1.0))
    share = _ratio(fans.inputs, fans.rows)
    if single is None or share is None or fans.summed != fans.inputs:
        return None
    return single**2 * min(1.0, share)


def _variance(draw: Draw) -> float | None:
    """The variance of numbers that do not depend on the size of the weight."""
    match draw.name:
        case "normal":
            mean, std = _numbers(draw, mean=0.0, std=1.0)
        case "trunc_normal":
            mean, std, low, high = _numbers(draw, mean=0.0, std=1.0, a=-LIMIT, b=LIMIT)
            if std is None or low is None or high is None or min(-low, high) < 3 * std:
                return None
        case "uniform":
            low, high = _numbers(draw, a=0.0, b=1.0)
            if low is None or high is None:
                return None
            mean, std = (low + high) / 2, (high - low) / math.sqrt(12)
        case _:
            return None
    return None if mean is None or std is None or abs(mean) > 0.01 * std else std**2


def _numbers(draw: Draw, **defaults: float) -> list[float | None]:
    return [real(draw.given.get(name, default)) for name, default in defaults.items()]


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None
