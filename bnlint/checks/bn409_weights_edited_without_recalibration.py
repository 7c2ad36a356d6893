"""BN409: pruned weights are evaluated with the running statistics of those that they were."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import changes_statistics, relies_on_running_statistics
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.weight_events import WeightsPruned
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN409", "weights-edited-without-recalibration", Severity.ADVICE, default=False, in_tests=False
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each call that prunes once, with the first evaluation after it."""
    found = (
        (prune, forward)
        for prune in run.of_type(WeightsPruned)
        if (forward := _evaluated_after(run, prune)) is not None
    )
    for prune, forward in first_of_each(found, lambda entry: entry[0].site):
        name = forward.model.name
        yield RULE.at(
            prune.site,
            f"Weights of `{name}` are pruned, and what its BatchNorm layers get changes with them, but their running "
            "statistics stay those of the whole weights; run training batches through it in train mode, or call "
            "`update_bn`, before it is evaluated",
            evidence=[(forward.site, f"`{name}` is evaluated here, in eval mode")],
        )


def _evaluated_after(run: Run, prune: WeightsPruned) -> Forward | None:
    """The first evaluation of the pruned network, if nothing updates its statistics after the pruning."""
    later = [event for event in run.events if event.order > prune.order]
    used = (
        event
        for event in later
        if isinstance(event, Forward)
        and event.measured is Known.YES
        and relies_on_running_statistics(event)
        and not prune.context.excludes(event.context)
        and _comes_before_a_norm(run, event, prune)
    )
    forward = next(used, None)
    renewed = forward is None or any(changes_statistics(event, forward) for event in later)
    return None if renewed else forward


def _comes_before_a_norm(run: Run, forward: Forward, prune: WeightsPruned) -> bool:
    """Whether a BatchNorm layer certainly gets what the pruned layer computes."""
    graph = run.graph_of(forward.model)
    if graph is None:
        return False
    pruned = [c for c in graph.calls if c.layer and c.layer.identity == prune.model.identity]
    norms = [call for call in graph.calls if call.kind is Kind.BATCH_NORM]
    return any(graph.comes_from(norm, call) for call in pruned for norm in norms)
