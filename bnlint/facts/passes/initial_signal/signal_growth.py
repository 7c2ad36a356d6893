"""How the variance of a signal grows from block to block.

In a healthy residual network each branch adds a variance of its own, so that the sum grows linearly
from one transition to the next, where it is reset. Where branches grow with what they are added to,
each block multiplies the variance, and it grows geometrically (Brock, De and Smith 2021,
arXiv 2101.08692, sections 2 and 3). The two are told apart by the second half of a run of blocks:
linear growth doubles the variance there at most, whatever its slope and however long the run is.
"""

import math
from collections.abc import Sequence
from itertools import pairwise, takewhile
from statistics import median

from bnlint.facts.types.signal import Block, Signal, in_digits
from bnlint.immutable import immutable

FEWEST_BLOCKS = 8
"""Shorter runs do not tell what the growth is; BN801 asks for as many."""

SHORT_RUN = 4
"""Still shorter ones have no shape at all."""

SUSPICIOUS_RUN = 6
"""So many blocks without a norm that grow faster than linearly are worth a word."""

LINEAR = 2.5
"""Linear growth over the second half of a run is at most 2; what is above allows for noise."""

GEOMETRIC = 8.0
"""Growth that is no linear one: even a cube grows by no more than this over the second half."""

RESET = 0.75
"""A stage whose variance starts below this share of the one before it was reset.

Stages of two or more blocks with BatchNorm come to 2/3 or less: two branches instead of three.
Normalizer-free networks with small branches are reset if the variance falls at all.
"""


@immutable
class Growth:
    """A run of blocks on one trunk, without a reset in between, all finite and above 0.

    ``factor`` is the geometric mean of the growth per block, ``late`` the growth over the second
    half of the run, ``steady`` what it would be if every block there grew by their median factor,
    so that one outlier does not count.
    """

    blocks: tuple[Block, ...]

    @property
    def factor(self) -> float:
        """By how much the variance is multiplied per block, on average."""
        steps = len(self.blocks) - 1
        return math.exp(math.log(self.total) / steps) if steps else 1.0

    @property
    def total(self) -> float:
        """By how much it is multiplied from the first block to the last."""
        return _ratio(self.blocks[0], self.blocks[-1])

    @property
    def late(self) -> float:
        """By how much it is multiplied over the second half."""
        return _ratio(self._second_half[0], self._second_half[-1])

    @property
    def steady(self) -> float:
        """The same, if all blocks there grew by their median factor."""
        ratios = [_ratio(before, after) for before, after in pairwise(self._second_half)]
        return _power(median(ratios), len(ratios)) if ratios else 1.0

    @property
    def _second_half(self) -> tuple[Block, ...]:
        return self.blocks[(len(self.blocks) - 1) // 2 :]

    @property
    def is_explosion(self) -> bool:
        """Whether the growth is certainly geometric."""
        return len(self.blocks) >= FEWEST_BLOCKS and min(self.late, self.steady) >= GEOMETRIC

    @property
    def is_decay(self) -> bool:
        """Whether the variance certainly shrinks geometrically."""
        return len(self.blocks) >= FEWEST_BLOCKS and max(self.late, self.steady) <= 1 / GEOMETRIC

    @property
    def is_fast(self) -> bool:
        """Whether it is faster than linear where no norm keeps it in bounds."""
        enough = len(self.blocks) >= SUSPICIOUS_RUN and min(self.late, self.steady) > LINEAR
        return enough and not any(block.normalised for block in self.blocks)

    @property
    def is_linear(self) -> bool:
        """Whether the second half adds about as much per block as the first."""
        values = [block.variance for block in self.blocks]
        middle, last = len(values) // 2, len(values) - 1
        if len(values) < SHORT_RUN or values[middle] <= values[0]:
            return False
        early = (values[middle] - values[0]) / middle
        late = (values[last] - values[middle]) / (last - middle)
        return 0.5 <= late / early <= 2

    @property
    def in_words(self) -> str:
        """By what factor the variance grows, over how many blocks, from where to where."""
        first, last = self.blocks[0], self.blocks[-1]
        return (
            f"by a factor of {in_digits(self.factor)} per block over {len(self.blocks)} blocks, from"
            f" {in_digits(first.variance, 2)} in `{first.name}` to {in_digits(last.variance, 2)} in"
            f" `{last.name}`"
        )


def growths(signal: Signal) -> tuple[Growth, ...]:
    """The longest runs of blocks that follow each other without a reset."""
    before = {
        index: block.previous
        for index, block in enumerate(signal.blocks)
        if block.previous is not None and not is_reset(signal, block)
    }
    ends = set(range(len(signal.blocks))) - set(before.values())
    found = [_finite(signal, _chain(before, end)) for end in sorted(ends)]
    return tuple(Growth(blocks) for blocks in found if blocks)


def is_reset(signal: Signal, block: Block) -> bool:
    """Whether a block starts a stage with clearly less variance than the block before it."""
    if block.previous is None:
        return False
    before = signal.blocks[block.previous]
    share = 1.0 if signal.normalizer_free else RESET
    return block.stage != before.stage and block.variance < share * before.variance


def explosion(signal: Signal) -> Growth | None:
    """The run that explodes most, ``None`` where none certainly does."""
    found = [growth for growth in growths(signal) if growth.is_explosion]
    return max(found, key=lambda growth: growth.total, default=None)


def fast_growth(signal: Signal) -> Growth | None:
    """The run without norms that grows most, of those that grow faster than linearly."""
    found = [growth for growth in growths(signal) if growth.is_fast]
    return max(found, key=lambda growth: growth.total, default=None)


def overflow(signal: Signal) -> Block | None:
    """The first block whose variance is infinite or not a number."""
    return next((block for block in signal.blocks if not math.isfinite(block.variance)), None)


def _chain(before: dict[int, int], end: int) -> list[int]:
    chain = [end]
    while chain[-1] in before:
        chain.append(before[chain[-1]])
    return chain[::-1]


def _finite(signal: Signal, chain: Sequence[int]) -> tuple[Block, ...]:
    blocks = (signal.blocks[index] for index in chain)
    return tuple(takewhile(lambda block: 0 < block.variance < math.inf, blocks))


def _ratio(before: Block, after: Block) -> float:
    return after.variance / before.variance


def _power(factor: float, number: int) -> float:
    try:
        return factor**number
    except OverflowError:
        return math.inf
