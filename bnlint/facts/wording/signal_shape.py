"""The shape of a healthy signal, in words."""

from collections.abc import Sequence
from statistics import median

from bnlint.facts.passes.initial_signal.signal_growth import LINEAR, SHORT_RUN, Growth, is_reset
from bnlint.facts.types.signal import Signal, in_digits

STEADY = 1.5
"""Growth over a whole run that is not worth being called growth."""


def shape(signal: Signal, runs: Sequence[Growth]) -> str:
    """Say how the variance behaves in the runs of a signal that does no harm."""
    resets = sum(is_reset(signal, block) for block in signal.blocks)
    blocks = f"{len(signal.blocks)} block{'s' * (len(signal.blocks) > 1)}"
    within = " within the stages" if resets else f" over {blocks}"
    times = "transition" if resets == 1 else "transitions"
    reset = f" and is reset at {resets} {times}" if resets else ""
    theory = _betas(signal) if signal.normalizer_free else _branches(signal)
    return f"{_growth(runs)}{within}{reset}{theory}"


def _growth(runs: Sequence[Growth]) -> str:
    total = max(run.total for run in runs)
    if total < STEADY:
        return "stays of one size"
    if any(run.total >= STEADY and run.is_linear for run in runs):
        return "grows linearly"
    if any(len(run.blocks) >= SHORT_RUN and run.late > LINEAR for run in runs):
        return f"grows by a factor of {in_digits(total, 2)} in all, bounded by the norms,"
    return "grows linearly at most"


def _betas(signal: Signal) -> str:
    """How well a normalizer-free network keeps the variance that its betas assume."""
    known = [(block.variance, block.expected) for block in signal.blocks if block.expected]
    if not known:
        return ""
    off = max(max(found / expected, expected / found) for found, expected in known)
    pooled = any(expected < 1 for _, expected in known)
    less = ", less what average pooling takes from the input," if pooled else ""
    return f"; it is what the betas assume{less} up to a factor of {in_digits(off)}"


def _branches(signal: Signal) -> str:
    """What the branches add, beside theory."""
    known = [b for b in signal.blocks if b.expected_branch is not None]
    if not known:
        return ""
    measured = median(block.branch_variance for block in known)
    expected = median(block.expected_branch or 0.0 for block in known)
    return f"; the branches add {in_digits(measured, 2)} each, where theory gives {in_digits(expected, 2)}"
