"""BN708 zero-gamma-without-skip: a BatchNorm that begins at 0 before a ReLU, and stays there."""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.model_graphs.dead_norms import DeadNorm, dead_norms
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.site import Site
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN708", "zero-gamma-without-skip", Severity.ERROR, reads=(dead_norms,))


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place that makes such layers once, whatever models it is called for."""
    found: dict[Site, list[DeadNorm]] = {}
    for graph in graphs:
        for norm in () if graph.pretrained or graph.loaded else dead_norms(graph):
            found.setdefault(norm.site, []).append(norm)
    for site, norms in found.items():
        yield _finding(site, norms)


def _finding(site: Site, norms: Sequence[DeadNorm]) -> Finding:
    first = norms[0]
    names = list(dict.fromkeys(in_words(norm.layer) for norm in norms))
    others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return RULE.at(
        site,
        f"The weight of {names[0]}{others} starts at 0 before a ReLU, which then gives 0 and passes"
        " no gradient: neither the layer nor what comes before it ever learns; start only the last"
        " BatchNorm of a residual branch at 0",
        layer=first.layer.name,
        evidence=[
            (first.layer.site, "the layer is built here"),
            *([(first.activation.site, "its ReLU")] if first.activation.site else []),
        ],
    )
