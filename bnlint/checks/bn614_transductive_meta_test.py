"""BN614: queries of a task are measured as one batch in train mode, after an adaptation to the task."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.adapted_copies import (
    MeasuredTogether,
    measured_together,
)
from bnlint.facts.types.run import Run
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN614",
    "transductive-meta-test",
    Severity.ADVICE,
    default=False,
    in_tests=False,
    reads=(measured_together,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each forward of queries once."""
    yield from map(_finding, first_of_each(measured_together(run), lambda e: e.queries.site))


def _finding(entry: MeasuredTogether) -> Finding:
    name = entry.queries.model.name
    return RULE.at(
        entry.queries.site,
        f"`{name}` answers all queries of a task as one batch in train mode: BatchNorm normalises each by the "
        "statistics of all of them, so that its answer depends on how many there are, and of which classes; call "
        f"`{name}.eval()` after the adaptation, or say with the result that it is transductive",
        evidence=[(entry.support.site, "it is adapted to the task here")],
    )
