"""BN901: a hand-written BatchNorm asks for gradients where it means the mode."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import GradientsAsked, HandWritten
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN901", "grad-mode-as-training-flag", Severity.ERROR, fix=Applicability.SAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report where layers ask whether gradients are recorded, and never for their mode."""
    found = (
        (layer, asked)
        for graph in graphs
        for layer in graph.hand_written
        for asked in layer.gradients_asked
        if not layer.asks_mode
    )
    for layer, asked in first_of_each(found, key=lambda pair: pair[1].site):
        yield _finding(layer, asked)


def _finding(layer: HandWritten, asked: GradientsAsked) -> Finding:
    return RULE.at(
        asked.site,
        f"`{layer.class_name}` tells training from evaluation by whether gradients are on: `eval()` changes nothing,"
        " so an evaluation with gradients normalises by its batch and updates the statistics, and training under"
        " `no_grad`, as in checkpointing, does not; ask for `self.training`",
        evidence=[(layer.statistics[0].update, "the statistics of the batch are stored here")],
        fix=_fix(asked),
    )


def _fix(asked: GradientsAsked) -> Fix | None:
    """Ask for the mode, which a function that the layer calls gets as one more argument."""
    if asked.of_method:
        title = "Ask for the mode of the layer"
        return RULE.fixed_by(title, asked.site.replace("self.training"))
    if asked.call is None or asked.last is None:
        return None
    return RULE.fixed_by(
        "Give the function the mode of the layer, as one more argument",
        asked.last.replace(f"{asked.last.text}, training"),
        asked.site.replace("training"),
        asked.call.add_argument("training=self.training"),
        applicability=Applicability.UNSAFE,
    )
