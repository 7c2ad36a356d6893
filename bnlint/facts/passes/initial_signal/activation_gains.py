"""By what the output of an activation has to be multiplied to have the variance of its input.

Scaled weight standardisation takes this as its gain, ``1 / std(g(z))`` with ``z`` standard normal (Brock,
De and Smith 2021, arXiv 2101.08692, section 4): 1.7129 for ReLU, by numeric integration for others.
"""

from collections.abc import Mapping
from functools import cache

from bnlint.facts.passes.initial_signal.moments import UNIT, activated
from bnlint.facts.types.graph import Call
from bnlint.facts.types.kind import Kind

_SLOPES: Mapping[str, tuple[str, ...]] = {"leakyrelu": ("negative_slope", "1"), "prelu": ("init",)}
"""Under which names, or at which place, activations take their slope below zero."""
_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "elu": {"alpha": 1.0},
    "celu": {"alpha": 1.0},
    "softplus": {"beta": 1.0, "threshold": 20.0},
    "hardtanh": {"min_val": -1.0, "max_val": 1.0},
}
"""Parameters with which activations are known, of those that have others than a slope below zero."""


def activation_gain(call: Call) -> float | None:
    """That of an activation, ``None`` where it is not known."""
    name = activation_name(call)
    if call.kind is not Kind.ACTIVATION or not _is_default(call, name):
        return None
    if name == "prelu" and call.layer is None:
        return None
    slopes = [_number(call, key) for key in _SLOPES.get(name, ()) if _has(call, key)]
    if None in slopes:
        return None
    return _gain(name, slopes[0] if slopes else None)


def activation_name(call: Call) -> str:
    """Its name in small letters without underscores."""
    return call.op.lower().replace("_", "")


@cache
def _gain(name: str, slope: float | None) -> float | None:
    moments = activated(UNIT, name, slope)
    return None if moments is None or not moments.variance else moments.variance**-0.5


def _is_default(call: Call, name: str) -> bool:
    """Whether it has the parameters that it has by default."""
    known = _DEFAULTS.get(name, {})
    if known and call.layer is None and any(key.isdigit() for key in call.arguments):
        return False
    return all(_number(call, key) == value for key, value in known.items() if _has(call, key))


def _has(call: Call, name: str) -> bool:
    return name in call.arguments or (call.layer is not None and name in call.layer.arguments)


def _number(call: Call, name: str) -> float | None:
    argument = call.arguments.get(name)
    if argument is None and call.layer is not None:
        argument = call.layer.arguments.get(name)
    return None if argument is None else argument.number
