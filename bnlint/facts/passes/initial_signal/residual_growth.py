"""How the signal grows over the unnormalised residual blocks of a model, by theory.

What grows is the mean square: the means of the channels turn into variance where convolutions pad
with zeros and where channels differ, which theory leaves out. Measured variances grow by the same
factor per block up to some percent (``tests/test_signal_agreement.py``).
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from bnlint.facts.passes.initial_signal.expected_signal import (
    Expectation,
    expectation,
    is_normalised,
)
from bnlint.facts.passes.initial_signal.signal_growth import (
    FEWEST_BLOCKS,
    SUSPICIOUS_RUN,
    Growth,
    explosion,
    fast_growth,
)
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Graphs, ModelGraph, Residual
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class ResidualGrowth:
    """The run of blocks of ``graph`` over which the signal grows most at initialisation.

    ``growth`` has the mean square of each block for its variance. ``residuals`` are their additions,
    ``worst`` is the one that multiplies the signal most.
    ``explodes`` says that the growth is certainly geometric, as ``bnlint signal`` says it of
    measured ones, ``proven`` that the initialisation of all layers that take part could be read:
    what could not is taken for He's.
    """

    graph: ModelGraph
    growth: Growth
    residuals: tuple[Residual, ...]
    worst: Residual
    explodes: bool
    proven: bool

    @property
    def sites(self) -> Iterator[Site]:
        """Where the additions are written."""
        return (r.add.site for r in self.residuals if r.add.site is not None)


@Pass
def residual_growth(graph: ModelGraph) -> ResidualGrowth | None:
    """The growth that is worth a word, if there is any; blocks with a norm in the branch have none."""
    if sum(not is_normalised(residual) for residual in graph.residuals) < SUSPICIOUS_RUN:
        return None
    expected = expectation(graph)
    squares = tuple(
        replace(block, variance=block.variance + block.squared_mean)
        for block in expected.signal.blocks
    )
    signal = replace(expected.signal, blocks=squares)
    growth = explosion(signal)
    explodes = growth is not None
    growth = growth or fast_growth(signal)
    if growth is None or sum(not b.normalised for b in growth.blocks) < FEWEST_BLOCKS * explodes:
        return None
    return _of_run(graph, expected, growth, explodes)


@Pass
def residual_growths(graphs: Graphs) -> tuple[ResidualGrowth, ...]:
    """Those of all models, the most harmful first; of models that share blocks, one.

    Left out are models that were measured, which is worth more, or have published weights, and
    blocks that another model builds with a normalisation: they do without it on purpose.
    """
    judged = (graph for graph in graphs if not graph.pretrained and graph.signal is None)
    found = [growth for growth in map(residual_growth, judged) if growth is not None]
    if not found:
        return ()
    taken = set(_normalised_somewhere(graphs))
    apart = []
    for growth in sorted(found, key=_harm, reverse=True):
        sites = set(growth.sites)
        if sites and taken.isdisjoint(sites):
            taken |= sites
            apart.append(growth)
    return tuple(apart)


def _harm(found: ResidualGrowth) -> tuple[bool, bool, float]:
    return found.explodes and found.proven, found.explodes, found.growth.total


def _normalised_somewhere(graphs: Graphs) -> Iterator[Site]:
    for graph in graphs:
        for residual in graph.residuals:
            site = residual.add.site
            if site is not None and is_normalised(residual):
                yield site


def _of_run(
    graph: ModelGraph, expected: Expectation, growth: Growth, explodes: bool
) -> ResidualGrowth:
    taking_part = {block.addition for block in growth.blocks}
    numbers = [n for n, b in enumerate(expected.signal.blocks) if b.addition in taking_part]
    variances = [block.variance for block in growth.blocks]
    ratios = [after / before for before, after in pairwise(variances)]
    worst = numbers[1 + ratios.index(max(ratios))]
    return ResidualGrowth(
        graph,
        growth,
        tuple(expected.residuals[n] for n in numbers),
        expected.residuals[worst],
        explodes,
        all(expected.proven[n] for n in numbers),
    )
