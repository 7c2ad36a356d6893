"""BN804 squeeze-excite-halves-signal: a sigmoid gate that nothing doubles, in a network without norms."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.halving_gates import HalvingGate, halving_gates
from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.site import Site
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule(
    "BN804",
    "squeeze-excite-halves-signal",
    Severity.ADVICE,
    fix=Applicability.DISPLAY,
    reads=(halving_gates,),
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each such product once, whatever blocks and models have it."""
    found = [
        (gate.product.site, graph, gate)
        for graph in graphs
        if not graph.pretrained
        for gate in halving_gates(graph)
        if gate.product.site is not None
    ]
    for site, graph, gate in first_of_each(found, lambda each: each[0]):
        yield _finding(site, graph, gate)


def _finding(site: Site, graph: ModelGraph, gate: HalvingGate) -> Finding:
    sigmoid = gate.sigmoid.site
    modules = gate.block.residual.add.modules
    text = site.text
    doubled = None if "=" in text else site.replace(f"2 * {text}")
    return RULE.at(
        site,
        f"The sigmoid is about 1/2 at the start of the training, so that this leaves a quarter of the"
        f" variance of a branch of `{graph.name}`, which no normalisation restores and whose factors"
        " count on all of it; multiply by 2",
        layer=modules[-1] if modules else None,
        evidence=[] if sigmoid is None else [(sigmoid, "the sigmoid")],
        fix=RULE.fixed_by("Double what the gate lets through", doubled),
    )
