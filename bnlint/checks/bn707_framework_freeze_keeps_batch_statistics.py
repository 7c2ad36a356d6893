"""BN707: Lightning freezes BatchNorm layers, which go on normalising by each batch in training."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.untracked_layers import lasting_untracking
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, NormState, Run, is_training
from bnlint.facts.types.weight_events import TrackingAssigned
from bnlint.facts.wording.code_text import first_argument
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN707",
    "framework-freeze-keeps-batch-statistics",
    Severity.ADVICE,
    reads=(lasting_untracking,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each call that freezes once, with the first forward of training by the batch."""
    if settings.torch_is_before("1.6"):
        return
    frozen = (event for event in lasting_untracking(run) if event.function)
    found = ((event, _normalised_by_batch(run, event)) for event in frozen)
    kept = ((event, forward) for event, forward in found if forward is not None)
    for event, forward in first_of_each(kept, key=lambda pair: pair[0].site):
        yield _finding(event, forward)


def _normalised_by_batch(run: Run, event: TrackingAssigned) -> Forward | None:
    """The first forward for a step of training that has such a layer in train mode."""
    own = {layer.identity for layer in event.layers}
    after = (forward for forward in run.of_type(Forward) if forward.order > event.order)
    return next((f for f in after if f.in_loss and any(_is_live(n, own) for n in f.norms)), None)


def _is_live(norm: NormState, frozen: set[int]) -> bool:
    return norm.identity in frozen and norm.is_there and is_training(norm.mode) is Known.YES


def _finding(event: TrackingAssigned, forward: Forward) -> Finding:
    frozen = first_argument(event.site.text)
    line = f"`{frozen}.eval()`" if frozen else "`eval()` on what is frozen"
    return RULE.at(
        event.site,
        f"`{event.function.rpartition('.')[2]}` stops the running statistics of BatchNorm layers, but leaves "
        "these in train mode: what is frozen is normalised by each batch in training, and since torch 1.6 by the "
        f"statistics from before in eval mode; call {line}, too, which `fit` keeps since Lightning 2.2",
        evidence=[(forward.site, f"`{forward.model.name}` trains here, normalised by each batch")],
    )
