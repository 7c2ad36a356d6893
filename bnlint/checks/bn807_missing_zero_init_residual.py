"""BN807 missing-zero-init-residual: deep residual networks whose branches start at full strength."""

from collections.abc import Iterator, Sequence

from bnlint.facts.types.graph import Graphs, Layer, ModelGraph, Residual
from bnlint.facts.types.kind import Kind
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN807", "missing-zero-init-residual", Severity.ADVICE, default=False)
FEWEST_BLOCKS = 12
"""Shallower networks train as well without."""


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each model once, at the first of the norms that could start at 0."""
    found = [
        (graph, _last_norms(graph)) for graph in graphs if not (graph.pretrained or graph.loaded)
    ]
    deep = [(graph, norms) for graph, norms in found if len(norms) >= FEWEST_BLOCKS]
    for graph, norms in first_of_each(deep, lambda each: each[1][0].site):
        yield _finding(graph, norms)


def _finding(graph: ModelGraph, norms: Sequence[Layer]) -> Finding:
    first = norms[0]
    return RULE.at(
        first.site,
        f"All {len(norms)} residual branches of `{graph.name}` end in a BatchNorm whose weight starts"
        f" at 1; start that of the last one of each branch at 0, with `nn.init.zeros_`, so that each"
        " block begins as its shortcut",
        layer=first.name,
    )


def _last_norms(graph: ModelGraph) -> list[Layer]:
    """The BatchNorm layers that the branches end in; none if one of the branches ends in another way."""
    found = [_last_norm(residual) for residual in graph.residuals]
    known = [layer for layer in found if layer is not None]
    return known if len(known) == len(found) else []


def _last_norm(residual: Residual) -> Layer | None:
    """The BatchNorm that a branch ends in, if its weight starts at 1 and the shortcut is one.

    What a max pooling picks is another branch, in networks that were searched for.
    """
    if any(step.kind is Kind.MAX_POOL for step in residual.skip):
        return None
    last = residual.branch[-1]
    layer = last.layer
    if last.kind is not Kind.BATCH_NORM or layer is None or not layer.certain or not last.certain:
        return None
    starts_at_one = layer.initial.get("weight", 1.0) == 1.0 and "weight" not in layer.assigned
    affine = layer.arguments.get("affine")
    learns = affine is not None and affine.value is True
    return layer if starts_at_one and learns and not layer.published else None
