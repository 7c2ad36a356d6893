"""BN512: some of several processes run SyncBatchNorm in train mode, and wait for the others."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import may_move_statistics, norms_in_training
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN512", "syncbn-on-some-ranks", Severity.WARNING, in_tests=False)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report forwards that the rank decides about, of layers that all processes must run together."""
    found = (
        (forward, test)
        for forward in run.of_type(Forward)
        if _waits_for_others(forward) and not _is_other_problem(run, forward)
        for test in _tests_of_rank(run, forward)
    )
    for forward, test in first_of_each(found, key=lambda entry: entry[0].site):
        yield _finding(forward, test)


def _waits_for_others(forward: Forward) -> bool:
    return any(norm.synchronised is Known.YES for norm in norms_in_training(forward))


def _is_other_problem(run: Run, forward: Forward) -> bool:
    """Whether it is an evaluation or a trial: that these run in train mode is what to mend."""
    if forward.trained_on:
        return False
    trial = forward.made_up is Known.YES and not _learns_from_noise(run, forward)
    return forward.measured is Known.YES or trial


def _learns_from_noise(run: Run, forward: Forward) -> bool:
    """Whether the model is trained on made-up numbers, as a generator is, so that these are its data."""
    return any(
        other.trained_on and other.made_up is Known.YES and other.model.key == forward.model.key
        for other in run.of_type(Forward)
    )


def _tests_of_rank(run: Run, forward: Forward) -> Iterator[Site]:
    """The tests that let only some processes come to a forward, and the others to none like it."""
    for assumption in forward.context.assumptions:
        if assumption.condition.splits_ranks and not any(
            assumption.opposite in other.context.assumptions and may_move_statistics(other, forward)
            for other in run.of_type(Forward)
        ):
            yield assumption.condition.site


def _finding(forward: Forward, test: Site) -> Finding:
    model = forward.model.name
    return RULE.at(
        forward.site,
        f"`{test.text}` lets only some processes run `{model}` here, whose SyncBatchNorm layers"
        " exchange their statistics with all others in train mode: they wait for processes that do not"
        " come, or take the statistics of another forward of theirs; run it in all processes, or a"
        " copy in eval mode",
        evidence=[(test, "not all processes get the same answer here")],
    )
