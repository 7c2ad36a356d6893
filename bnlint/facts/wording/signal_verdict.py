"""What the signal of a model says about the model, in words."""

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from statistics import mean

from bnlint.facts.passes.initial_signal.signal_growth import (
    Growth,
    explosion,
    fast_growth,
    growths,
    overflow,
)
from bnlint.facts.types.signal import Block, Signal, in_digits
from bnlint.facts.wording.signal_shape import shape
from bnlint.immutable import immutable

IDENTITY = 0.1
"""Branches that all together add less than this share of the variance leave the trunk as it is."""

STARVED = 1e-3
"""Branches that all have less than this share of the variance of their skip do nothing.

Where they are not meant to begin so, their gradients are as small as they are.
"""

NEGLIGIBLE = 0.02
"""The same for one branch on average: normalizer-free ones with the usual alpha of 0.2 add more."""

DRIFT = 2.0
"""By what factor a normalizer-free network may miss the variance that its betas assume.

Scaled Weight Standardization keeps the variance up to the zero padding of convolutions, which takes
about 6 % from each branch on maps of 16 x 16 and more.
"""

MEAN_SHIFT = 1.0
"""Above this ratio of squared mean to variance most of the signal is the channels' means.

Normalisation takes the means out of each branch; ReLU alone lets them add up from block to block
(arXiv 2101.08692, section 3.2: mean shift).
"""


class SignalPattern(StrEnum):
    """The shapes that a signal can have."""

    HEALTHY = "healthy"
    IDENTITY = "identity"
    STARVED = "starved"
    FAST = "grows fast"
    EXPLODES = "explodes"
    OVERFLOWS = "overflows"
    VANISHES = "vanishes"
    MEAN_SHIFT = "mean shift"
    DRIFTS = "drifts"
    NOTHING = "nothing to judge"


@immutable
class Verdict:
    """A pattern, what was seen, and what to do about it (nothing if all is well)."""

    pattern: SignalPattern
    text: str
    advice: str = ""


def verdict(signal: Signal) -> Verdict:
    """Judge a signal."""
    return next(_verdicts(signal))


def _verdicts(signal: Signal) -> Iterator[Verdict]:
    """What applies, the worst first."""
    yield from _unmeasurable(signal)
    yield from _explosion(signal)
    yield from _zero(signal)
    yield from _starved(signal)
    yield from _identity(signal)
    if not any(block.normalised for block in signal.blocks):
        yield from _mean_shift(signal)
    if signal.normalizer_free:
        yield from _drift(signal)
    runs = growths(signal)
    yield from _decay(runs)
    yield from _fast(signal)
    yield Verdict(SignalPattern.HEALTHY, f"healthy: the variance {shape(signal, runs)}")


def _unmeasurable(signal: Signal) -> Iterator[Verdict]:
    if not signal.blocks and signal.problems:
        yield Verdict(
            SignalPattern.NOTHING,
            "nothing could be measured",
            "give an input that the model takes",
        )
    elif not signal.blocks:
        yield Verdict(
            SignalPattern.NOTHING,
            "no residual additions were found",
            "the measurement follows residual networks, x + f(x), block by block; if the model has"
            " such blocks, see that the input makes its forward take that way",
        )
    elif any(block.samples < 2 for block in signal.blocks):
        name = next(block.name for block in signal.blocks if block.samples < 2)
        yield Verdict(
            SignalPattern.NOTHING,
            f"each channel has only one value in `{name}`, which has no variance",
            "feed a larger batch or larger images",
        )


def _explosion(signal: Signal) -> Iterator[Verdict]:
    broken = overflow(signal)
    growth = explosion(signal)
    if growth is not None:
        end = f" and overflows in `{broken.name}`" if broken is not None else ""
        yield Verdict(
            SignalPattern.EXPLODES,
            f"explodes: the variance grows {growth.in_words}{end}",
            "normalise each residual branch, or start it at zero (zero gamma, SkipInit, Fixup), or"
            " scale it as normalizer-free networks do: x + alpha * f(x / beta) with Scaled Weight"
            " Standardization",
        )
    elif broken is not None:
        what = "not a number" if math.isnan(broken.variance) else "infinite"
        yield Verdict(
            SignalPattern.OVERFLOWS,
            f"overflows: values are {what} from `{broken.name}` on",
            "look there for weights far too large, for exponentials, divisions and logarithms, and"
            " for half precision",
        )


def _zero(signal: Signal) -> Iterator[Verdict]:
    dead = next((block for block in signal.blocks if block.variance == 0), None)
    if dead is not None:
        yield Verdict(
            SignalPattern.VANISHES,
            f"vanishes: the variance is 0 in `{dead.name}`",
            "something before it gives the same value everywhere: weights of 0 on the trunk, an"
            " activation that is never positive, a constant input",
        )


def _starved(signal: Signal) -> Iterator[Verdict]:
    shares = [block.branch_variance / block.variance for block in signal.blocks]
    if max(shares) >= STARVED or all(block.fades_in for block in signal.blocks):
        return
    yield Verdict(
        SignalPattern.STARVED,
        f"starved: none of {len(shares)} branches adds more than {in_digits(100 * max(shares), 2)}% of"
        " the variance, and neither weights of 0 nor learnt factors are the reason",
        "their weights, or constant factors behind them, are too small to learn from: give their"
        " layers He initialisation, and let a learnt factor start at 0 if each block is to begin as"
        " the identity",
    )


def _identity(signal: Signal) -> Iterator[Verdict]:
    shares = [block.branch_variance / block.variance for block in signal.blocks]
    if max(shares) >= STARVED and (sum(shares) >= IDENTITY or mean(shares) >= NEGLIGIBLE):
        return
    yield Verdict(
        SignalPattern.IDENTITY,
        f"starts as the identity: all {len(shares)} branches together add {sum(shares):.1%} of the"
        " variance",
        "healthy where it is meant (zero gamma, SkipInit, LayerScale); else the branches' weights"
        " are too small: give their layers He initialisation",
    )


def _mean_shift(signal: Signal) -> Iterator[Verdict]:
    shifted = [b for b in signal.blocks if b.squared_mean > MEAN_SHIFT * _unpooled(b)]
    if len(shifted) * 4 < len(signal.blocks):
        return
    worst = max(shifted, key=lambda block: block.squared_mean / block.variance)
    yield Verdict(
        SignalPattern.MEAN_SHIFT,
        f"mean shift: in {len(shifted)} of {len(signal.blocks)} blocks the squared channel mean"
        f" exceeds the variance, most in `{worst.name}` ({in_digits(worst.squared_mean)} against"
        f" {in_digits(worst.variance)})",
        "give the convolutions Scaled Weight Standardization, which centres the weights of each"
        " output, or normalise the branches",
    )


def _unpooled(block: Block) -> float:
    """The variance, or where average pooling is expected to take from it, at least 1."""
    pooled = block.expected is not None and block.expected < 1
    return max(block.variance, 1.0) if pooled else block.variance


def _drift(signal: Signal) -> Iterator[Verdict]:
    known = [(block, block.expected) for block in signal.blocks if block.expected]
    off = [(block.variance / expected, block, expected) for block, expected in known]
    wrong = [found for found in off if not 1 / DRIFT <= found[0] <= DRIFT]
    if not wrong:
        return
    _, block, expected = max(wrong, key=lambda found: abs(math.log(found[0])))
    yield Verdict(
        SignalPattern.DRIFTS,
        f"drifts: in {len(wrong)} of {len(known)} blocks the variance is off by more than a factor"
        f" of {DRIFT:g}, most in `{block.name}` ({in_digits(block.variance)} where {in_digits(expected)} is"
        " expected)",
        "check the betas (the expected standard deviation of the input of each block), the gain of"
        " the weight standardization for the activation used, and the padding: zeros around maps of"
        " a few pixels take variance away",
    )


def _decay(runs: Sequence[Growth]) -> Iterator[Verdict]:
    found = min((run for run in runs if run.is_decay), key=lambda run: run.total, default=None)
    if found is not None:
        words = found.in_words
        yield Verdict(
            SignalPattern.VANISHES,
            f"vanishes: the variance changes {words}",
            "let each branch and skip keep the variance: He initialisation, no factor below 1"
            " around the whole sum",
        )


def _fast(signal: Signal) -> Iterator[Verdict]:
    """Growth that would be an explosion in a deeper network."""
    growth = fast_growth(signal)
    if growth is not None:
        yield Verdict(
            SignalPattern.FAST,
            f"grows faster than linearly: the variance grows {growth.in_words}",
            "a deeper network of this kind would explode: normalise the branches or scale them",
        )
