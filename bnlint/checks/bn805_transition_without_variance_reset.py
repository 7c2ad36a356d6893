"""BN805 transition-without-variance-reset: shortcuts and bookkeeping that disagree on a fresh start."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.variance_bookkeeping import (
    Bookkeeping,
    Reckoned,
    Resets,
    bookkeeping,
    kept_books,
    projection,
)
from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.signal import in_digits
from bnlint.facts.types.site import Site
from bnlint.facts.wording.scaled_blocks import place_of, use_of, where_scaled
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN805", "transition-without-variance-reset", Severity.ADVICE, reads=(bookkeeping,))
DISAGREEING = (Resets.ALWAYS, Resets.NEVER)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each model whose factors take its transitions for what they are not."""
    wrong = [
        (site, graph, books)
        for graph, books in kept_books(graphs)
        if books.follows in DISAGREEING
        if (site := _place(books)) is not None
    ]
    for site, graph, books in first_of_each(wrong, lambda each: each[0]):
        yield _finding(site, graph, books)


def _place(books: Bookkeeping) -> Site | None:
    """The shortcut that does not start anew, or the factor that does not know that one does."""
    if books.follows is Resets.NEVER:
        return place_of(books.worst.block)
    carried = [r for r in books.blocks if r.block.projects and not r.resets]
    return use_of(projection(carried[0].block)) if carried else None


def _finding(site: Site, graph: ModelGraph, books: Bookkeeping) -> Finding:
    worst = books.worst
    modules = worst.block.residual.add.modules
    name = modules[-1] if modules else graph.name
    if books.follows is Resets.NEVER:
        what = (
            f"`{graph.name}` counts the expected variance on through its transitions, where the shortcut"
            " starts from the divided input and the variance is 1 again"
        )
        cure = "set the expected variance to 1 after the first block of each stage, then add alpha ** 2"
    else:
        what = (
            f"The shortcut of a transition of `{graph.name}` takes its input undivided, but the factors"
            " behind it are those of a variance that starts at 1 again"
        )
        cure = "give the shortcut what the branch gets, activated and divided"
    return RULE.at(
        site,
        f"{what}: the input of `{name}` has variance {in_digits(worst.variance)} and is divided by"
        f" the root of {in_digits(worst.factor**-2)}; {cure}",
        layer=modules[-1] if modules else None,
        evidence=list(_evidence(worst)),
    )


def _evidence(worst: Reckoned) -> Iterator[tuple[Site, str]]:
    yield from where_scaled(worst.block)
    add = worst.block.residual.add
    if add.site is not None:
        yield add.site, f"each block adds alpha ** 2 = {in_digits(worst.alpha**2)} to the variance"
