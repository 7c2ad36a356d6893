"""BN802 normalizer-free-beta-mismatch: branches whose input is not divided by its deviation."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.variance_bookkeeping import (
    Bookkeeping,
    Reckoned,
    bookkeeping,
    kept_books,
)
from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.signal import in_digits
from bnlint.facts.types.site import Site
from bnlint.facts.wording.scaled_blocks import place_of, where_scaled
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN802", "normalizer-free-beta-mismatch", Severity.WARNING, reads=(bookkeeping,))


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each model whose factors follow no bookkeeping, at the most wrong of its blocks."""
    wrong = [
        (site, graph, books)
        for graph, books in kept_books(graphs)
        if books.follows is None
        if (site := place_of(books.worst.block)) is not None
    ]
    for site, graph, books in first_of_each(wrong, lambda each: each[0]):
        yield _finding(site, graph, books)


def _finding(site: Site, graph: ModelGraph, books: Bookkeeping) -> Finding:
    worst, add = books.worst, books.worst.block.residual.add
    evidence = [] if add.site is None else [(add.site, _added(worst))]
    return RULE.at(
        site,
        f"{_what(graph, books)} the variance that its blocks add up to:"
        f" relative to the first one, the input of `{add.modules[-1] if add.modules else graph.name}` has"
        f" variance {in_digits(worst.variance)} and is multiplied by {in_digits(worst.factor)} instead of"
        f" 1 / sqrt({in_digits(worst.variance)}) = {in_digits(worst.right_factor)}; keep count of"
        " the expected variance from block to block, and divide by its root",
        layer=add.modules[-1] if add.modules else None,
        evidence=[*where_scaled(worst.block), *evidence],
    )


def _what(graph: ModelGraph, books: Bookkeeping) -> str:
    factors = {round(reckoned.factor, 4) for reckoned in books.blocks}
    if len(factors) == 1:
        return f"`{graph.name}` scales the input of all its {len(books.blocks)} branches by the same number, whatever"
    return f"`{graph.name}` scales the inputs of its branches by numbers that do not follow"


def _added(worst: Reckoned) -> str:
    return f"each block adds alpha ** 2 = {in_digits(worst.alpha**2)} to the variance"
