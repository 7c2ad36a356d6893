"""BN416: running statistics are reset, and used before anything has updated them."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import given_statistics
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, is_training
from bnlint.facts.types.weight_events import StatisticsReset
from bnlint.facts.wording.evidence import Proof, how_it_came_into, in_time
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN416", "recalibration-without-update", Severity.ERROR)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the first forward in eval mode that meets reset statistics, for each reset."""
    found = (
        (reset, forward)
        for reset in run.of_type(StatisticsReset)
        if (forward := _first_use(run, reset)) is not None
    )
    for reset, forward in first_of_each(found, lambda entry: entry[1].site):
        name = forward.model.name
        yield RULE.at(
            forward.site,
            f"The running statistics of `{name}` were reset, and nothing has updated them since: in eval mode it "
            f"normalises by a mean of 0 and a variance of 1, and updates nothing; run batches through it in train "
            "mode first",
            evidence=_evidence(run, reset, forward),
        )


def _first_use(run: Run, reset: StatisticsReset) -> Forward | None:
    """The forward that uses reset statistics, if no other code may have changed them before."""
    for event in run.events:
        if event.order <= reset.order:
            continue
        if any(layer.identity == reset.layer.identity for layer in given_statistics(event)):
            return None
        if isinstance(event, Forward) and _has_layer(event, reset):
            return event if _uses(event, reset) else None
    return None


def _has_layer(forward: Forward, reset: StatisticsReset) -> bool:
    return any(norm.identity == reset.layer.identity for norm in forward.norms)


def _uses(forward: Forward, reset: StatisticsReset) -> bool:
    """Whether a forward certainly normalises by what was reset."""
    (norm, *_) = (n for n in forward.norms if n.identity == reset.layer.identity)
    certain = set(reset.context.assumptions) <= set(forward.context.assumptions)
    used = is_training(norm.mode) is Known.NO and norm.tracks is Known.YES and norm.is_there
    return certain and used and not forward.model.buffers_used


def _evidence(run: Run, reset: StatisticsReset, forward: Forward) -> list[Proof]:
    told = list(how_it_came_into(run, forward.mode, forward.model))
    return in_time([(reset.order, (reset.site, "the statistics are reset here")), *told])
