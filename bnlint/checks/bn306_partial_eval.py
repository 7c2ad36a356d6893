"""BN306: of several networks that evaluate together, only some are put into eval mode."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import training_forwards
from bnlint.facts.passes.mode_switches.partial_evaluations import (
    PartialEvaluation,
    partial_evaluations,
)
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.wording.eval_fix import advice_on, cure_of, who_answers_by_mode
from bnlint.facts.wording.evidence import (
    how_it_came,
    how_it_came_into,
    in_time,
    loader_name,
)
from bnlint.facts.wording.fix_places import evaluation_around
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN306",
    "partial-eval",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards, partial_evaluations),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each network that is left in train mode, once for each evaluation."""
    yield from (
        _finding(run, found)
        for found in first_of_each(
            partial_evaluations(run),
            key=lambda found: (
                evaluation_around(run, found.forward),
                found.forward.model.identity,
            ),
        )
    )


def _finding(run: Run, found: PartialEvaluation) -> Finding:
    forward, sister = found.forward, found.sister
    told = [*how_it_came_into(run, sister.mode, sister.model), *how_it_came(run, forward)]
    cure = cure_of(run, forward)
    return RULE.at(
        forward.site,
        _message(forward, sister),
        evidence=[*in_time(told), *who_answers_by_mode(forward)],
        fix=RULE.fixed_by(cure.title, *cure.edits),
    )


def _message(forward: Forward, sister: Forward) -> str:
    name = forward.model.name
    batch = f"each batch of {loader_name(forward.loaders)}" if forward.loaders else "each input"
    return (
        f"`{sister.model.name}` is put into eval mode for this evaluation, but `{name}` is still in "
        f"train mode, so its BatchNorm normalises {batch} by its own statistics and updates the "
        f"running ones with them; {advice_on(forward, 'as well')}"
    )
