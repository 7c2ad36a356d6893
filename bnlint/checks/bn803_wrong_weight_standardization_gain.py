"""BN803 wrong-weight-standardization-gain: standardised weights that lose or blow up the signal."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.wrong_gains import WrongGain, wrong_gains
from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.signal import in_digits
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN803", "wrong-weight-standardization-gain", Severity.WARNING, reads=(wrong_gains,))
MILD = 0.1
"""A gain that is off by less is worth no more than advice."""


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each wrong gain at the first layer that has it."""
    found = (
        (graph, wrong) for graph in graphs if not graph.pretrained for wrong in wrong_gains(graph)
    )
    for graph, wrong in first_of_each(found, lambda each: each[1].layers[0].weight.layer.site):
        yield _finding(graph, wrong)


def _finding(graph: ModelGraph, wrong: WrongGain) -> Finding:
    layer, activation = wrong.layers[0].weight.layer, wrong.activation.op
    gain, right = in_digits(wrong.gain), in_digits(wrong.right, 5)
    places = [
        (wrong.activation.site, f"`{activation}` before it"),
        (wrong.layers[0].weight.call.site, "the standardised weight is used here"),
    ]
    return RULE.at(
        layer.site,
        f"`{graph.name}` has standardised weights of gain {gain} behind `{activation}`, which"
        f" needs {right} to keep the variance: {_number(wrong)}"
        f" {_effect(wrong)}; multiply by 1 / std({activation}(z)) = {right}, z standard normal",
        layer=layer.name,
        evidence=[(site, what) for site, what in places if site is not None],
        severity=RULE.severity if abs(wrong.gain / wrong.right - 1) > MILD else Severity.ADVICE,
    )


def _number(wrong: WrongGain) -> str:
    number = len(wrong.layers)
    return f"{number} of {wrong.judged} layers each" if number > 1 else "the layer"


def _effect(wrong: WrongGain) -> str:
    if wrong.share < 1:
        return f"leave {in_digits(wrong.share, 2)} of it"
    return f"multiply it by {in_digits(wrong.share, 2)}"
