"""What the signal of a model says about the model, in words."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean, median

from bnlint.facts.signal import Signal, in_digits
from bnlint.facts.signal_growth import LINEAR, Growth, explosion, growths, is_reset, overflow

IDENTITY = 0.1
"""Branches that all together add less than this share of the variance leave the trunk as it is."""

NEGLIGIBLE = 0.02
"""The same for one branch on average: normalizer-free ones with the usual alpha of 0.2 add more."""

SHORT_RUN = 4
"""Fewer blocks than this have no shape of growth."""

STEADY = 1.5
"""Growth over a whole run that is not worth being called growth."""

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


class Pattern(StrEnum):
    """The shapes that a signal can have."""

    HEALTHY = "healthy"
    IDENTITY = "identity"
    FAST = "grows fast"
    EXPLODES = "explodes"
    OVERFLOWS = "overflows"
    VANISHES = "vanishes"
    MEAN_SHIFT = "mean shift"
    DRIFTS = "drifts"
    NOTHING = "nothing to judge"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A pattern, what was seen, and what to do about it (nothing if all is well)."""

    pattern: Pattern
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
    yield from _identity(signal)
    if not any(block.normalised for block in signal.blocks):
        yield from _mean_shift(signal)
    if signal.normalizer_free:
        yield from _drift(signal)
    runs = growths(signal)
    yield from _decay(runs)
    yield from _fast(runs)
    yield _healthy(signal, runs)


def _unmeasurable(signal: Signal) -> Iterator[Verdict]:
    if not signal.blocks:
        yield Verdict(
            Pattern.NOTHING,
            "no residual additions were found",
            "the measurement follows residual networks, x + f(x), block by block; if the model has"
            " such blocks, see that the input makes its forward take that way",
        )
    elif any(block.samples < 2 for block in signal.blocks):
        name = next(block.name for block in signal.blocks if block.samples < 2)
        yield Verdict(
            Pattern.NOTHING,
            f"each channel has only one value in `{name}`, which has no variance",
            "feed a larger batch or larger images",
        )


def _explosion(signal: Signal) -> Iterator[Verdict]:
    broken = overflow(signal)
    growth = explosion(signal)
    if growth is not None:
        end = f" and overflows in `{broken.name}`" if broken is not None else ""
        yield Verdict(
            Pattern.EXPLODES,
            f"explodes: the variance grows {growth_in_words(growth)}{end}",
            "normalise each residual branch, or start it at zero (zero gamma, SkipInit, Fixup), or"
            " scale it as normalizer-free networks do: x + alpha * f(x / beta) with Scaled Weight"
            " Standardization",
        )
    elif broken is not None:
        what = "not a number" if math.isnan(broken.variance) else "infinite"
        yield Verdict(
            Pattern.OVERFLOWS,
            f"overflows: values are {what} from `{broken.name}` on",
            "look there for weights far too large, for exponentials, divisions and logarithms, and"
            " for half precision",
        )


def growth_in_words(growth: Growth) -> str:
    """Return by what factor a variance grows, over how many blocks, from where to where."""
    first, last = growth.blocks[0], growth.blocks[-1]
    return (
        f"by a factor of {in_digits(growth.factor)} per block over {len(growth.blocks)} blocks, from"
        f" {in_digits(first.variance, 2)} in `{first.name}` to {in_digits(last.variance, 2)} in `{last.name}`"
    )


def _zero(signal: Signal) -> Iterator[Verdict]:
    dead = next((block for block in signal.blocks if block.variance == 0), None)
    if dead is not None:
        yield Verdict(
            Pattern.VANISHES,
            f"vanishes: the variance is 0 in `{dead.name}`",
            "something before it gives the same value everywhere: weights of 0 on the trunk, an"
            " activation that is never positive, a constant input",
        )


def _identity(signal: Signal) -> Iterator[Verdict]:
    shares = [block.branch_variance / block.variance for block in signal.blocks]
    if sum(shares) >= IDENTITY or mean(shares) >= NEGLIGIBLE:
        return
    yield Verdict(
        Pattern.IDENTITY,
        f"starts as the identity: all {len(shares)} branches together add {sum(shares):.1%} of the"
        " variance",
        "healthy where it is meant (zero gamma, SkipInit, LayerScale); else the branches' weights"
        " are too small: give their layers He initialisation",
    )


def _mean_shift(signal: Signal) -> Iterator[Verdict]:
    shifted = [b for b in signal.blocks if b.squared_mean > MEAN_SHIFT * b.variance]
    if len(shifted) * 4 < len(signal.blocks):
        return
    worst = max(shifted, key=lambda block: block.squared_mean / block.variance)
    yield Verdict(
        Pattern.MEAN_SHIFT,
        f"mean shift: in {len(shifted)} of {len(signal.blocks)} blocks the squared channel mean"
        f" exceeds the variance, most in `{worst.name}` ({in_digits(worst.squared_mean)} against"
        f" {in_digits(worst.variance)})",
        "give the convolutions Scaled Weight Standardization, which centres the weights of each"
        " output, or normalise the branches",
    )


def _drift(signal: Signal) -> Iterator[Verdict]:
    known = [(block, block.expected) for block in signal.blocks if block.expected]
    off = [(block.variance / expected, block, expected) for block, expected in known]
    wrong = [found for found in off if not 1 / DRIFT <= found[0] <= DRIFT]
    if not wrong:
        return
    _, block, expected = max(wrong, key=lambda found: abs(math.log(found[0])))
    yield Verdict(
        Pattern.DRIFTS,
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
        words = growth_in_words(found)
        yield Verdict(
            Pattern.VANISHES,
            f"vanishes: the variance changes {words}",
            "let each branch and skip keep the variance: He initialisation, no factor below 1"
            " around the whole sum",
        )


def _fast(runs: Sequence[Growth]) -> Iterator[Verdict]:
    fast = [r for r in runs if len(r.blocks) >= SHORT_RUN and min(r.late, r.steady) > LINEAR]
    if fast:
        words = growth_in_words(max(fast, key=lambda run: run.total))
        yield Verdict(
            Pattern.FAST,
            f"grows faster than linearly: the variance grows {words}",
            "a deeper network of this kind would explode: normalise the branches or scale them",
        )


def _healthy(signal: Signal, runs: Sequence[Growth]) -> Verdict:
    resets = sum(is_reset(signal, block) for block in signal.blocks)
    total = max(run.total for run in runs)
    within = " within the stages" if resets else f" over {len(signal.blocks)} blocks"
    grows = f"stays of one size{within}" if total < STEADY else f"grows linearly at most{within}"
    if any(run.total >= STEADY and _is_linear(run) for run in runs):
        grows = f"grows linearly{within}"
    times = "transition" if resets == 1 else "transitions"
    reset = f" and is reset at {resets} {times}" if resets else ""
    theory = _betas(signal) if signal.normalizer_free else _branches(signal)
    return Verdict(Pattern.HEALTHY, f"healthy: the variance {grows}{reset}{theory}")


def _is_linear(run: Growth) -> bool:
    """Whether the second half of a run adds about as much per block as the first."""
    variances = [block.variance for block in run.blocks]
    middle = len(variances) // 2
    early = (variances[middle] - variances[0]) / max(middle, 1)
    late = (variances[-1] - variances[middle]) / max(len(variances) - 1 - middle, 1)
    return len(variances) >= SHORT_RUN and 0.5 <= late / early <= 2 if early > 0 else False


def _betas(signal: Signal) -> str:
    """How well a normalizer-free network keeps the variance that its betas assume."""
    off = [
        max(b.variance / b.expected, b.expected / b.variance) for b in signal.blocks if b.expected
    ]
    return f"; it is what the betas assume up to a factor of {in_digits(max(off))}" if off else ""


def _branches(signal: Signal) -> str:
    """What the branches add, beside theory."""
    known = [b for b in signal.blocks if b.expected_branch is not None]
    if not known:
        return ""
    measured = median(block.branch_variance for block in known)
    expected = median(block.expected_branch or 0.0 for block in known)
    return f"; the branches add {in_digits(measured, 2)} each, where theory gives {in_digits(expected, 2)}"
