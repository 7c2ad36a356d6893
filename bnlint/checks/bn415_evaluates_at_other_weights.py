"""BN415: an optimizer puts averaged weights into a model, whose statistics are those of the trained ones."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.swapped_weights import (
    SwappedWeights,
    swapped_weights,
)
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import in_time
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN415", "evaluates-at-other-weights", Severity.WARNING, reads=(swapped_weights,))


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each call that puts an average in once, with the first evaluation at it."""
    for entry in first_of_each(swapped_weights(run), lambda entry: entry.swap.site):
        yield _finding(entry)


def _finding(entry: SwappedWeights) -> Finding:
    swap, forward, trained = entry.swap, entry.forward, entry.trained
    name = forward.model.name
    told = [
        (trained.order, (trained.site, "each step updates the statistics here, at other weights")),
        (forward.order, (forward.site, f"`{name}` runs here, in eval mode")),
    ]
    return RULE.at(
        swap.site,
        f"`{name}` is evaluated at averaged weights from here on, with BatchNorm's running "
        "statistics of the weights that were trained; run some training batches through it in "
        "train mode first, without gradients",
        evidence=in_time(told),
    )
