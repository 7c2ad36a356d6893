"""Whether the factors of a normalizer-free network follow the variance that its blocks add up to.

A block ``x + alpha * f(x / beta)`` adds ``alpha ** 2`` to the variance, and ``beta`` has to be the root of
what came before. A shortcut with a layer that takes ``x / beta`` starts anew at 1 (Brock, De and Smith 2021,
arXiv 2101.08692, section 4). The variances are those that the first block's input has, times these.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import TypeGuard

from bnlint.facts.passes.initial_signal.normalizer_free import (
    SAME,
    ScaledBlock,
    normalizer_free_blocks,
)
from bnlint.facts.passes.initial_signal.signal_paths import Step, product_of
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.immutable import immutable

WRONG = 0.05
"""A factor that is off by more is no question of rounding."""
FEWEST_BLOCKS = 3


class Resets(Enum):
    """At which of the shortcuts with layers a network's factors take the variance to start anew."""

    WHERE_IT_DOES = "where it does"
    ALWAYS = "always"
    NEVER = "never"


@immutable
class Reckoned:
    """A block, the factor that the code has for its input, and the variance that this input has.

    Both are relative to the first block. ``resets`` says that its shortcut starts anew.
    """

    block: ScaledBlock
    factor: float
    variance: float
    alpha: float
    resets: bool

    @property
    def right_factor(self) -> float:
        """What the factor has to be."""
        return 1 / math.sqrt(self.variance)

    @property
    def error(self) -> float:
        """By how much the factor is too large or too small, as a share."""
        return abs(self.factor / self.right_factor - 1)


@immutable
class Bookkeeping:
    """The blocks of a network and by which rule its factors can be explained; ``None`` if by none.

    ``counts_gates`` says that they follow from sigmoids which halve the branches.
    """

    blocks: tuple[Reckoned, ...]
    follows: Resets | None
    counts_gates: bool = False

    @property
    def worst(self) -> Reckoned:
        """The block whose factor is most wrong."""
        return max(self.blocks, key=lambda reckoned: reckoned.error)


@Pass
def bookkeeping(graph: ModelGraph) -> Bookkeeping | None:
    """That of a model, ``None`` where there is none or its numbers are not all known.

    A factor of ``2 * alpha`` behind a gate may be written as one number. If factors follow from half of
    what stands behind gates, it is meant so.
    """
    blocks = _chain(normalizer_free_blocks(graph))
    if len(blocks) < FEWEST_BLOCKS or any(block.fades_in for block in blocks):
        return None
    factors, alphas = [_factor(block) for block in blocks], [alpha_of(block) for block in blocks]
    if not _are_known(factors) or not _are_known(alphas) or not _begin_alike(blocks):
        return None
    known = [factor / factors[0] for factor in factors]
    resets = [_resets(block, factor) for block, factor in zip(blocks, known, strict=True)]
    if not _are_answered(resets) or not _scales(blocks, known, alphas):
        return None
    gates = [len(_single_gates(block)) for block in blocks]
    if any(gates):
        halves = [alpha / 2.0**number for alpha, number in zip(alphas, gates, strict=True)]
        halved = _reckoned(blocks, known, halves, resets)
        if max(reckoned.error for reckoned in halved) < SAME:
            return Bookkeeping(halved, Resets.WHERE_IT_DOES, counts_gates=True)
    reckoned = _reckoned(blocks, known, alphas, resets)
    return Bookkeeping(reckoned, _rule(blocks, known, alphas, resets))


def kept_books(graphs: Iterable[ModelGraph]) -> Iterator[tuple[ModelGraph, Bookkeeping]]:
    """The models that start from weights of their own and keep books, with these."""
    for graph in graphs:
        books = None if graph.pretrained else bookkeeping(graph)
        if books is not None:
            yield graph, books


def _reckoned(
    blocks: Sequence[ScaledBlock],
    factors: Sequence[float],
    alphas: Sequence[float],
    resets: Sequence[bool],
) -> tuple[Reckoned, ...]:
    variances = _variances(alphas, resets)
    each = zip(blocks, factors, variances, alphas, resets, strict=True)
    return tuple(Reckoned(*values) for values in each)


def alpha_of(block: ScaledBlock) -> float | None:
    """By what the branch is multiplied behind its last layer; a gate and a factor of 2 cancel out."""
    factor, extra = product_of(block.tail), block.stretches[-1].extra
    added = block.residual.add.arguments.get("alpha")
    if factor is None or extra is None or added is not None:
        return None
    gates = [step for step in block.tail if step.gate is not None]
    doubled = sum(is_doubled(block.tail, step) and not _has_own_factor(step) for step in gates)
    return factor * extra / float(2**doubled)


def _single_gates(block: ScaledBlock) -> list[Step]:
    """The gates behind the last layer that nothing doubles."""
    gates = (step for step in block.tail if step.gate is not None)
    return [step for step in gates if not is_doubled(block.tail, step)]


def _has_own_factor(step: Step) -> bool:
    """Whether a gate is doubled before it multiplies the signal."""
    return step.gate is not None and abs(step.gate.factor - 2) < SAME


def projection(block: ScaledBlock) -> Call:
    """The layer on the shortcut of a block that has one there."""
    return next(step.call for step in block.skip if step.call.kind in WEIGHTED)


def is_doubled(steps: Sequence[Step], gated: Step) -> bool:
    """Whether a gate is multiplied by 2, so that it lets the signal through as it is."""
    doubled = any(step.factor is not None and abs(step.factor - 2) < SAME for step in steps)
    return doubled or _has_own_factor(gated)


def _chain(blocks: Sequence[ScaledBlock]) -> tuple[ScaledBlock, ...]:
    """The blocks from the first one on that follow each other."""
    for number, block in enumerate(blocks):
        if block.previous != (number - 1 if number else None):
            return tuple(blocks[:number])
    return tuple(blocks)


def _factor(block: ScaledBlock) -> float | None:
    factor, extra = product_of(block.entry), block.stretches[0].extra
    gated = any(step.gate is not None for step in block.entry)
    return None if factor is None or extra is None or gated else factor * extra


def _begin_alike(blocks: Sequence[ScaledBlock]) -> bool:
    """Whether all branches begin with the same activation, and a layer of the same gain."""
    first = blocks[0].stretches[0]
    for block in blocks:
        activation, gain = block.stretches[0].activation, block.stretches[0].weight.gain
        if gain is None or first.weight.gain is None or activation is None:
            return False
        if first.activation is None or activation.op != first.activation.op:
            return False
        if abs(gain / first.weight.gain - 1) > SAME:
            return False
    return True


def _are_known(numbers: Sequence[float | None]) -> TypeGuard[list[float]]:
    return all(number is not None and number > 0 for number in numbers)


def _are_answered(answers: Sequence[bool | None]) -> TypeGuard[list[bool]]:
    return None not in answers


def _scales(
    blocks: Sequence[ScaledBlock], factors: Sequence[float], alphas: Sequence[float]
) -> bool:
    """Whether any constant, be it 1, makes the network a normalizer-free one."""
    if any(abs(number - 1) > SAME for number in (*factors, *alphas)):
        return True
    steps = (step for block in blocks for step in (*block.entry, *block.tail))
    return any(step.call.kind in (Kind.MUL, Kind.DIV) and step.gate is None for step in steps)


def _resets(block: ScaledBlock, factor: float) -> bool | None:
    """Whether the shortcut's variance starts at 1 again, ``None`` where that is not known."""
    trunk = block.entry[: block.shared]
    if not block.projects:
        plain = all(step.call.kind is Kind.PASS for step in (*trunk, *block.skip))
        return False if plain else None
    place = next(i for i, step in enumerate(block.skip) if step.call.kind in WEIGHTED)
    before = product_of((*trunk, *block.skip[:place]))
    whole = product_of(block.entry)
    activated = [
        [step.call.op for step in steps if step.call.kind is Kind.ACTIVATION]
        for steps in (block.entry, (*trunk, *block.skip[:place]))
    ]
    if (
        before is None
        or whole is None
        or activated[0] != activated[1]
        or place + 1 < len(block.skip)
    ):
        return None
    share = before / whole
    if abs(share - 1) < SAME:
        return True
    return False if abs(share * factor - 1) < SAME else None


def _variances(alphas: Sequence[float], resets: Sequence[bool]) -> list[float]:
    found = [1.0]
    for alpha, starts_anew in list(zip(alphas, resets, strict=True))[:-1]:
        found.append((1.0 if starts_anew else found[-1]) + alpha**2)
    return found


def _rule(
    blocks: Sequence[ScaledBlock],
    factors: Sequence[float],
    alphas: Sequence[float],
    resets: Sequence[bool],
) -> Resets | None:
    rules: dict[Resets, tuple[Sequence[bool], float]] = {
        Resets.WHERE_IT_DOES: (resets, WRONG),
        Resets.ALWAYS: ([block.projects for block in blocks], SAME),
        Resets.NEVER: ([False for _ in blocks], SAME),
    }
    for rule, (answers, limit) in rules.items():
        reckoned = _reckoned(blocks, factors, alphas, answers)
        if all(each.error <= limit for each in reckoned):
            return rule
    return None
