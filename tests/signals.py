"""Signals made up for a test: blocks with given variances, one after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from bnlint.facts.types.signal import Block, Signal


def blocks(
    variances: Sequence[float],
    *,
    stages: Mapping[int, int] | None = None,
    branch: float | None = None,
    **fields: Any,
) -> tuple[Block, ...]:
    """One block for each variance; ``stages`` maps the index of a stage's first block to it."""
    made: list[Block] = []
    stage = 1
    for index, variance in enumerate(variances):
        before = variances[index - 1] if index else 1.0
        stage = (stages or {}).get(index, stage)
        given = {"squared_mean": 0.1 * variance, "samples": 100, "normalised": True} | fields
        made.append(
            Block(
                name=f"blocks.{index}",
                addition=index,
                stage=stage,
                transition=index in (stages or {}),
                previous=index - 1 if index else None,
                variance=variance,
                skip_variance=before,
                branch_variance=abs(variance - before) if branch is None else branch,
                **given,
            )
        )
    return tuple(made)


def signal(variances: Sequence[float], *, normalizer_free: bool = False, **fields: Any) -> Signal:
    """A signal with blocks of given variances."""
    return Signal("Net", ("8x3x32x32 float32",), blocks(variances, **fields), normalizer_free)


def linear(number: int, slope: float = 0.68, start: float = 0.68) -> list[float]:
    """Variances that grow by the same amount in each block."""
    return [start + slope * (index + 1) for index in range(number)]


def geometric(number: int, factor: float, start: float = 1.0) -> list[float]:
    """Variances that are multiplied by the same factor in each block."""
    return [start * factor**index for index in range(number)]
