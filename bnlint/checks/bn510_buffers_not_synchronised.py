"""BN510: processes that keep running statistics of their own share an evaluation."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, relies_on_running_statistics, trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, Wrapped
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN510", "buffers-not-synchronised", Severity.ADVICE, in_tests=False)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report wrappers that are told to leave buffers alone, with the evaluation that it shows in."""
    found = (
        (wrapped, forward)
        for wrapped in run.of_type(Wrapped)
        if wrapped.unsynchronised and not wrapped.model.buffers_used
        for forward in run.of_type(Forward)
        if _is_shared_evaluation(forward) and _has_own_statistics(run, wrapped, forward)
    )
    for wrapped, forward in first_of_each(found, key=lambda entry: entry[0].site):
        yield _finding(wrapped, forward)


def _is_shared_evaluation(forward: Forward) -> bool:
    """Whether each process measures a model with its running statistics on its own part of the data."""
    shared = any(loader.sampler is not None for loader in forward.loaders)
    ranked = any(assumption.condition.splits_ranks for assumption in forward.context.assumptions)
    evaluates = forward.measured is Known.YES and relies_on_running_statistics(forward)
    return evaluates and shared and not ranked


def _has_own_statistics(run: Run, wrapped: Wrapped, forward: Forward) -> bool:
    """Whether a model learnt the statistics that it is measured with in this process alone."""
    return any(
        trains(other)
        and other.model.is_same(wrapped.model)
        and other.model.is_same(forward.model)
        and wrapped.order < other.order < forward.order
        and any(norm.synchronised is Known.NO for norm in norms_in_training(other))
        for other in run.of_type(Forward)
    )


def _finding(wrapped: Wrapped, forward: Forward) -> Finding:
    model = forward.model.name
    return RULE.at(
        wrapped.site,
        f"Each process keeps BatchNorm statistics of its own in `{model}`, since buffers are not"
        " synchronised here, and measures its part of the data with them: the result is that of"
        " several models, of which only one is saved; average or broadcast the buffers before the"
        " evaluation, or convert to SyncBatchNorm",
        evidence=[(forward.site, "each process evaluates its part of the data here")],
    )
