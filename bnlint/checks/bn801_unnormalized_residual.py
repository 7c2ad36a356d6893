"""BN801 unnormalized-residual: stacked residual blocks whose variance grows geometrically."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.residual_growth import ResidualGrowth, residual_growths
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.signal import in_digits
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN801", "unnormalized-residual", Severity.WARNING, reads=(residual_growths,))


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each model once, at the first addition. What was measured is BN808's."""
    yield from map(_finding, residual_growths(graphs))


def _finding(found: ResidualGrowth) -> Finding:
    site, first, worst = next(found.sites), found.residuals[0], found.worst
    evidence = [(first.fork.site, "the branch leaves here")]
    if worst.add.site != site:
        evidence.append((worst.add.site, "the signal grows most here"))
    return RULE.at(
        site,
        f"`{found.graph.name}` adds {len(found.residuals)} residual branches in a row that nothing"
        f" normalises or scales enough, and {_growth(found)}; normalise each branch, or multiply it"
        " by a parameter that starts at 0",
        layer=first.add.modules[-1] if first.add.modules else None,
        evidence=[(place, what) for place, what in evidence if place is not None],
        severity=RULE.severity if found.explodes and found.proven else Severity.ADVICE,
    )


def _growth(found: ResidualGrowth) -> str:
    factor, total = in_digits(found.growth.factor, 2), in_digits(found.growth.total, 2)
    size = f"about {factor} times per block, {total} times in all"
    if not found.proven:
        return (
            "how their weights begin could not be read: with He initialisation the mean square of"
            f" the signal would grow {size} (`bnlint signal` measures it)"
        )
    end = "" if found.explodes else ", so that a deeper one would explode"
    return f"with its initialisation the mean square of the signal grows {size}{end}"
