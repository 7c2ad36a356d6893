"""BN801 unnormalized-residual: stacked residual blocks whose branches keep growing."""

from collections import Counter
from collections.abc import Iterator, Sequence

from bnlint.facts.graph import ModelGraph, Residual
from bnlint.facts.kind import NORMALIZATIONS
from bnlint.facts.scaling import stacks_of_unscaled_residuals
from bnlint.facts.site import Site
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN801", "unnormalized-residual", Severity.WARNING)

FEWEST_BLOCKS = 8
"""Shallower stacks train without help."""


@RULE.on_graphs
def check(graphs: Sequence[ModelGraph]) -> Iterator[Finding]:
    """Report the additions of stacks of blocks that are neither normalised nor scaled.

    A block that another model builds with a normalisation leaves it out on purpose.
    """
    seen = set(_normalised_somewhere(graphs))
    for graph in graphs:
        for stack in stacks_of_unscaled_residuals(graph):
            if len(stack) < FEWEST_BLOCKS:
                continue
            sites = Counter(r.add.site for r in stack if r.add.site is not None)
            for site in sites:
                if site not in seen:
                    seen.add(site)
                    yield _finding(graph, site, stack)


def _normalised_somewhere(graphs: Sequence[ModelGraph]) -> Iterator[Site]:
    for graph in graphs:
        for residual in graph.residuals:
            site = residual.add.site
            if site is not None and any(call.kind in NORMALIZATIONS for call in residual.branch):
                yield site


def _finding(graph: ModelGraph, site: Site, stack: tuple[Residual, ...]) -> Finding:
    first = next(residual for residual in stack if residual.add.site == site)
    modules = first.add.modules
    fork = first.fork.site
    return RULE.at(
        site,
        f"`{graph.name}` adds {len(stack)} residual branches in a row, none of them"
        " normalised or scaled, so the variance grows by a factor with every block; normalise each"
        " branch, or multiply it by a parameter that starts at 0",
        layer=modules[-1] if modules else None,
        evidence=[(fork, "the branch leaves here")] if fork is not None else (),
    )
