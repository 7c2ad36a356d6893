"""BN411 nan-guard-too-late: a batch is left out when BatchNorm has already taken it in."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training
from bnlint.facts.passes.population_statistics.nan_guards import LateGuard, late_guards
from bnlint.facts.types.run import Run
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN411", "nan-guard-too-late", Severity.WARNING, reads=(late_guards,))


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each test once."""
    for found in first_of_each(late_guards(run), key=lambda found: found.guard.condition.site):
        yield _finding(found)


def _finding(found: LateGuard) -> Finding:
    forward, site = found.forward, found.guard.condition.site
    layers = norms_in_training(forward)
    layer = layers[0].layer if layers else None
    return RULE.at(
        site,
        f"This leaves out a batch whose loss is not finite, but the forward has already put it"
        f" into the running statistics of `{forward.model.name}`: once they are NaN they stay so, which"
        " only eval mode shows; test the inputs before the forward, or put the buffers back",
        layer=layer.name if layer is not None else None,
        evidence=[(forward.site, "the running statistics are updated here")],
    )
