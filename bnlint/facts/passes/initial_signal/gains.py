"""By what each layer of a model multiplies the signal at initialisation."""

from math import prod

from bnlint.facts.types.graph import Layer
from bnlint.facts.types.initialisation import Draw, Fans, gain
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import real

HE = Draw("kaiming_normal")
"""What is assumed of weights whose initialisation could not be read: the strongest in common use."""


def gain_of(layer: Layer) -> float | None:
    """The gain of a linear or convolutional layer, ``None`` where its weights are not known."""
    constant = layer.initial.get("weight")
    if layer.drawn is None or constant is not None:
        return 0.0 if constant == 0 and layer.drawn is not None else None
    fans = _fans(layer)
    return None if fans is None else gain(layer.drawn, fans)


def assumed_gain(layer: Layer) -> float | None:
    """The gain that He initialisation gives it; ``None`` where its kernel is not known."""
    fans = _fans(layer)
    return None if fans is None else gain(HE, fans)


def _fans(layer: Layer) -> Fans | None:
    if layer.kind is Kind.LINEAR:
        inputs, outputs = (_number(layer, f"{name}_features") for name in ("in", "out"))
        return Fans(inputs, outputs, inputs, outputs)
    inputs, outputs = (_number(layer, f"{name}_channels") for name in ("in", "out"))
    groups, kernel = _number(layer, "groups"), size_of(layer, "kernel_size")
    per_input = _product(inputs, kernel, 1 / groups if groups else None)
    if "Transpose" not in layer.type:
        return Fans(per_input, _product(outputs, kernel), per_input, outputs)
    per_output = _product(outputs, kernel, 1 / groups if groups else None)
    stride = size_of(layer, "stride")
    if per_input is None or per_output is None or not stride:
        return None
    return Fans(per_output, _product(inputs, kernel), per_input / stride, inputs)


def size_of(layer: Layer, name: str) -> float | None:
    """The product over all dimensions of a layer's ``kernel_size`` or ``stride``."""
    argument = layer.arguments.get(name)
    match argument.value if argument is not None else None:
        case int(size):
            return real(size ** (layer.dimensions or 1))
        case [*several]:
            sizes = [size for size in several if isinstance(size, int)]
            if sizes and len(sizes) == len(several):
                return real(prod(sizes) ** (1 if len(sizes) > 1 else layer.dimensions or 1))
    return None


def _product(*factors: float | None) -> float | None:
    known = [factor for factor in factors if factor is not None]
    return prod(known) if len(known) == len(factors) else None


def _number(layer: Layer, name: str) -> float | None:
    argument = layer.arguments.get(name)
    return None if argument is None else argument.number
