"""BN705: an initialisation that is meant for convolutions fills the weights of BatchNorm, too."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.drawn_norms import DrawnNorms, drawn_norms
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.initialisation import is_symmetric, root_mean_square
from bnlint.facts.wording.code_text import filled_with_ones
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN705",
    "initialisation-breaks-batchnorm",
    Severity.WARNING,
    fix=Applicability.UNSAFE,
    reads=(drawn_norms,),
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place once, unless code handles what is raised there."""
    for found in drawn_norms(graphs):
        if not (found.raises and found.place.handlers):
            yield _finding(found)


def _finding(found: DrawnNorms) -> Finding:
    first = found.layers[0]
    count = len({layer.name for layer in found.layers})
    whose = f"{in_words(first)}{f' (and {count - 1} more)' if count > 1 else ''}"
    return RULE.at(
        found.place,
        f"{_problem(found, whose)}; leave BatchNorm at its weights of 1: skip parameters that have one"
        " dimension (`p.ndim == 1`)",
        layer=first.name,
        evidence=[(first.site, "the BatchNorm is built here")],
        fix=_fix(found),
        severity=Severity.ERROR if found.raises else RULE.severity,
    )


def _problem(found: DrawnNorms, whose: str) -> str:
    if found.raises:
        return (
            f"The weight of {whose} has one dimension, and `{found.draw.name}_` raises for it: fan in"
            " and fan out cannot be computed"
        )
    size = root_mean_square(found.draw) or 0.0
    signs = ", half of them negative" if is_symmetric(found.draw) else ""
    return (
        f"The weights of {whose} start at random numbers of size {size:.2g} instead of 1{signs}: the"
        " layers give a signal that is that much too small"
    )


def _fix(found: DrawnNorms) -> Fix | None:
    """Start at ones, where the call is for BatchNorm layers alone."""
    text = filled_with_ones(found.place.text) if found.alone else None
    if text is None:
        return None
    return RULE.fixed_by("Start their weights at 1", found.place.replace(text))
