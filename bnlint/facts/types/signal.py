"""How the signal of a model propagates: what was measured at each residual addition.

A signal propagation plot (Brock, De and Smith 2021, arXiv 2101.08692, section 3) follows Gaussian
noise through a network at initialisation. *Average* means over the channels: a channel's mean and
variance are taken over samples and positions, then squared means and variances are averaged.
"""

import math
from dataclasses import asdict
from typing import Any

from bnlint import typed_json
from bnlint.immutable import immutable


@immutable
class Block:
    """One residual addition, ``skip + branch``.

    ``name`` is the dotted name of the module around it or, where that has several, of its branch.
    ``addition`` is its number among all additions of the model's graph, from 0 in execution order.
    ``path`` and ``line`` are where it is written. ``stage`` counts from 1; ``transition`` says that
    the skip path holds a convolution or linear layer. ``previous`` is the block, by its index, that
    the skip comes from. ``samples`` is over how many values each channel's statistics are taken,
    ``channels_last`` which dimension holds the channels: the last one instead of dimension 1.

    ``squared_mean`` and ``variance`` are those of the sum, averaged over its channels,
    ``skip_variance`` and ``branch_variance`` those of its operands as they are added;
    any of them may be infinite or not a number. ``expected`` and ``expected_branch`` are the
    variances that theory gives for such a block, ``None`` where it gives none.

    ``normalised`` says that the branch holds a normalisation, ``fades_in`` that it is small by intent:
    its last weights are 0, or a learnt factor or the weight of a norm follows them. ``alpha`` and ``beta`` are the
    constants of a normalizer-free block, ``skip + alpha * f(x / beta)``, 1 where there are none.
    """

    name: str
    addition: int
    stage: int
    transition: bool
    previous: int | None
    squared_mean: float
    variance: float
    skip_variance: float
    branch_variance: float
    expected: float | None = None
    expected_branch: float | None = None
    normalised: bool = False
    fades_in: bool = False
    alpha: float = 1.0
    beta: float = 1.0
    path: str | None = None
    line: int | None = None
    samples: int = 0
    channels: int = 0
    channels_last: bool = False


@immutable
class Signal:
    """What one forward of ``model`` in train mode showed, block by block in execution order.

    ``inputs`` say what it was fed with (``8x3x32x32 float32``). ``normalizer_free`` says that its
    branches are scaled by constants, ``alpha * f(x / beta)``, instead of normalised. ``problems``
    name what of the forward could not be followed.
    """

    model: str
    inputs: tuple[str, ...]
    blocks: tuple[Block, ...]
    normalizer_free: bool = False
    problems: tuple[str, ...] = ()


def in_digits(value: float, digits: int = 3, *, zeros: bool = False) -> str:
    """Write a number with some significant digits: ``0.682``, ``36``, ``7100``, ``6.8e25``.

    With ``zeros`` it is ``36.0``, as columns of numbers have it.
    """
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    written = f"{value:#.{digits}g}".rstrip(".") if zeros and value else f"{value:.{digits}g}"
    if "e" not in written:
        return written
    mantissa, _, exponent = written.partition("e")
    if 0 < int(exponent) < 6:
        return f"{float(written):.0f}"
    return f"{mantissa.rstrip('.')}e{int(exponent)}"


def to_json(signal: Signal) -> dict[str, Any]:
    """Return plain values for strict JSON, which has no infinity: ``"Infinity"``, ``"NaN"``."""
    data = asdict(signal)
    data["blocks"] = [
        {name: _finite(value) for name, value in block.items()} for block in data["blocks"]
    ]
    return data


def from_json(data: object) -> Signal:
    """Read back what :func:`to_json` gave; raises ``ValueError`` for anything else."""
    signal: Signal = typed_json.read(Signal, data)
    for index, block in enumerate(signal.blocks):
        if block.previous is not None and not 0 <= block.previous < index:
            raise typed_json.Malformed(f"block {index} comes before the one that it follows")
    return signal


def _finite(value: object) -> object:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
