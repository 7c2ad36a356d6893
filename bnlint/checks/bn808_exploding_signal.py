"""BN808 exploding-signal: a measured signal whose variance grows geometrically with depth."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.signal_growth import Growth, explosion, overflow
from bnlint.facts.types.graph import Call, Graphs, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.signal import Signal
from bnlint.facts.types.site import Site
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN808", "exploding-signal", Severity.WARNING)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report measured models that certainly explode, at the first addition that takes part.

    What published weights do is no matter of initialisation.
    """
    for graph in graphs:
        if graph.signal is None or graph.pretrained:
            continue
        growth = explosion(graph.signal)
        if growth is not None:
            yield _finding(graph, graph.signal, growth)


def _finding(graph: ModelGraph, signal: Signal, growth: Growth) -> Finding:
    site, *others = _sites(graph, growth) or [graph.site]
    broken = overflow(signal)
    end = f", and overflows in `{broken.name}`" if broken is not None else ""
    return RULE.at(
        site,
        f"The signal of `{graph.name}` explodes: its variance, measured, grows"
        f" {growth.in_words}{end}; normalise each residual branch, start it at zero, or"
        " scale it and its input",
        layer=growth.blocks[0].name,
        evidence=[(other, "it grows here, too") for other in others],
    )


def _sites(graph: ModelGraph, growth: Growth) -> list[Site]:
    """Where the additions of a run are written, each place once."""
    additions: list[Call] = [call for call in graph.calls if call.kind is Kind.ADD]
    numbers = [block.addition for block in growth.blocks if block.addition < len(additions)]
    sites = (additions[number].site for number in numbers)
    return list(dict.fromkeys(site for site in sites if site is not None))
