"""BN806 weight-standardization-details: statistics of weights over the wrong dimensions."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.standardised_weights import (
    StandardisedWeight,
    standardised_weights,
)
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.site import Site
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule(
    "BN806", "weight-standardization-details", Severity.ADVICE, reads=(standardised_weights,)
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each wrong standardisation once, where the weight is used."""
    found = [
        (site, weight, problem)
        for graph in graphs
        for weight in standardised_weights(graph).values()
        if (site := weight.call.site) is not None and (problem := _problem(weight)) is not None
    ]
    for site, weight, problem in first_of_each(found, lambda each: each[0]):
        yield _finding(site, weight, problem)


def _finding(site: Site, weight: StandardisedWeight, problem: str) -> Finding:
    layer = weight.layer
    return RULE.at(
        site,
        f"`{layer.class_name}` standardises its weight, {problem}",
        layer=layer.name,
        evidence=[(layer.site, "one of these layers is built here")],
    )


def _problem(weight: StandardisedWeight) -> str | None:
    """What is wrong with the statistics, and what to do."""
    axes, rank = weight.axes, weight.rank
    if axes is None or rank is None or rank < 2:
        return None
    right = set(range(1, rank))
    whole = f"take both over the dimensions {_in_words(right)}, which each output sums over"
    if 0 in axes:
        return (
            "but takes the statistics over the outputs, too, so that the outputs do not get the same"
            f" variance; {whole}"
        )
    if axes < right:
        return (
            f"but takes the statistics over {_in_words(axes)} only, so that each part of the kernel"
            f" gets the same size; {whole}"
        )
    return None if weight.centred else _uncentred(whole)


def _uncentred(whole: str) -> str:
    return (
        "but does not subtract its mean, so that the means that activations leave add up to a shift;"
        f" {whole}"
    )


def _in_words(axes: "set[int] | frozenset[int]") -> str:
    return ", ".join(map(str, sorted(axes))) if len(axes) > 1 else f"dimension {min(axes)}"
