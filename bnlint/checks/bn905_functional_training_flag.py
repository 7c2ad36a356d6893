"""BN905: F.batch_norm is not told the mode of the layer whose running statistics it gets."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import FunctionalNorm
from bnlint.facts.wording.code_text import speaks_of_frozen, unpacks_keywords
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN905", "functional-training-flag", Severity.WARNING, fix=Applicability.SAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report calls that always train, or never, in layers that never ask for their mode."""
    found = (call for graph in graphs for call in graph.functional_norms if _is_deaf(call))
    for call in first_of_each(found, key=lambda call: call.site):
        if _never_trains(call) or _always_trains(call):
            yield _finding(call)


def _is_deaf(call: FunctionalNorm) -> bool:
    """Whether nothing in the layer depends on its mode, and nothing else uses its statistics.

    A class derived from one of torch's that only replaces the mode does so on purpose.
    """
    return not (call.asks_mode or call.of_library or call.used_elsewhere)


def _never_trains(call: FunctionalNorm) -> bool:
    """Whether a layer that learns is left with the statistics that it began with."""
    if call.training is not None or unpacks_keywords(call.site.text):
        return False
    return call.learns and not speaks_of_frozen(call.class_name)


def _always_trains(call: FunctionalNorm) -> bool:
    return call.training is not None and call.training.text == "True"


def _finding(call: FunctionalNorm) -> Finding:
    mean, name = f"`self.{call.statistics[0]}`", call.class_name
    if call.training is None:
        what = (
            f"`F.batch_norm` is not told `training`, which is then False: `{name}` never normalises by its batch, and"
            f" {mean} stays what it was at first"
        )
    else:
        what = (
            f"`F.batch_norm` is always told to train: `{name}` normalises by its batch in eval mode, too, where it still"
            f" updates {mean}, which nothing uses"
        )
    return RULE.at(call.site, f"{what}; give it `training=self.training`", fix=_fix(call))


def _fix(call: FunctionalNorm) -> Fix | None:
    """Tell it the mode, where the layer is ``self``."""
    if not all(f"self.{name}" in call.site.text for name in call.statistics):
        return None
    told = call.training
    edit = (
        call.site.add_argument("training=self.training")
        if told is None
        else told.replace("self.training")
    )
    return RULE.fixed_by("Tell it the mode of the layer", edit)
