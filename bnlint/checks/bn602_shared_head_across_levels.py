"""BN602: one BatchNorm for all levels of a pyramid of features."""

from collections.abc import Iterator
from fractions import Fraction

from bnlint.facts.passes.model_graphs.mixed_statistics import MixedStatistics, mixed_statistics
from bnlint.facts.types.graph import Graphs
from bnlint.facts.wording.evidence import Proof
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN602", "shared-head-across-levels", Severity.WARNING, reads=(mixed_statistics,))


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place that runs such layers on one level after the other."""
    for mixed in mixed_statistics(graphs):
        if mixed.steps:
            yield _finding(mixed)


def _finding(mixed: MixedStatistics) -> Finding:
    reuse, others = mixed.typical, mixed.layers - 1
    more = f" and {others} more BatchNorm layers" if others > 1 else " and one more" * others
    return RULE.at(
        mixed.place,
        f"{in_words(reuse.layer)}{more} normalise{'s' * (not others)} each level of a feature pyramid "
        f"(strides {_listed(mixed.steps)}) by its own statistics in training and all by one mixture in eval "
        "mode; give each level BatchNorm layers of its own, with the other weights shared, or use GroupNorm",
        layer=reuse.layer.name,
        evidence=[*_evidence(mixed)],
        likely=not reuse.again.certain,
        cause=reuse.cause,
    )


def _listed(steps: tuple[Fraction, ...]) -> str:
    *others, last = map(str, steps)
    return f"{', '.join(others)} and {last}"


def _evidence(mixed: MixedStatistics) -> Iterator[Proof]:
    makers = (call.site for call in mixed.makers if call.site is not None)
    return ((site, "a level is made here") for site in dict.fromkeys(makers))
