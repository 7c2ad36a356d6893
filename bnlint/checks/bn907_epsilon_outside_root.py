"""BN907: a hand-written BatchNorm adds its epsilon to the deviation instead of the variance."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import HandWritten
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import moved_into_root
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN907", "epsilon-outside-root", Severity.ADVICE, fix=Applicability.UNSAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each division by the bare root of a variance of the batch."""
    layers = (layer for graph in graphs for layer in graph.hand_written)
    found = ((layer, root) for layer in layers for root in layer.bare_roots)
    for layer, root in first_of_each(found, key=lambda pair: pair[1]):
        yield _finding(layer, root)


def _finding(layer: HandWritten, root: Site) -> Finding:
    return RULE.at(
        root,
        f"`{layer.class_name}` adds its epsilon to the root of the variance: where a channel is the same all over a batch,"
        " the variance is 0, its root has an infinite slope, and gradients become NaN; add it to the variance, as"
        " `torch.sqrt(var + eps)`",
        fix=_fix(root),
    )


def _fix(root: Site) -> Fix | None:
    """Move it, where root and sum are one expression."""
    text = moved_into_root(root.text)
    if text is None:
        return None
    return RULE.fixed_by("Add it to the variance", root.replace(text))
