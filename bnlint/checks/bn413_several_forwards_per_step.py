"""BN413: one step of training updates running statistics several times."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.repeated_forwards import (
    RepeatedForward,
    repeated_forwards,
)
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import Proof
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN413",
    "several-forwards-per-step",
    Severity.ADVICE,
    in_tests=False,
    reads=(repeated_forwards,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each forward that updates statistics beside the one of its step."""
    found = first_of_each(repeated_forwards(run), lambda entry: entry.forward.site)
    for entry in found:
        message, evidence = _told(entry)
        yield RULE.at(entry.forward.site, message, evidence=evidence)


def _told(entry: RepeatedForward) -> tuple[str, list[Proof]]:
    name = entry.forward.model.name
    if entry.step is not None:
        return (
            f"The optimizer calls this closure up to {entry.step.evaluations} times for one step, and each time "
            f"`{name}` updates BatchNorm's running statistics, mostly with weights that are only tried; keep its "
            "BatchNorm layers in eval mode, or set their `momentum` to 0, after the first call"
        ), [(entry.step.site, "the closure is called here")]
    if entry.loop is not None:
        return (
            f"`{name}` runs the samples of a batch one after the other in train mode: BatchNorm normalises each by "
            "its own statistics, and one step updates the running ones once for each sample; run them as one batch"
        ), [(entry.loop, "this loop goes through the samples of a batch")]
    assert entry.other is not None
    again, what = entry.other, "is trained on"
    if entry.forward.trained_on:
        what = "runs"
    return (
        f"`{name}` runs the same batch twice in train mode for one step, so BatchNorm updates its running statistics "
        f"twice; {_remedy(entry)}"
    ), [(again.site, f"the same batch {what} here as well")]


def _remedy(entry: RepeatedForward) -> str:
    name = entry.forward.model.name
    if entry.forward.trained_on:
        return "set the `momentum` of its BatchNorm layers to 0 for this run"
    return (
        f"call `{name}.eval()` for this run, which is not trained on, and `{name}.train()` after it"
    )
