"""BN501: BatchNorm is trained on a few samples at a time."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.values_per_channel import fewest, populations
from bnlint.facts.passes.training_batches.batches import TrainedBatch, suffers, trained_batches
from bnlint.facts.types.run import Run
from bnlint.facts.wording.layer_words import in_words, model_in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Holds, Rule, Settings, first_of_each

RULE = Rule(
    "BN501",
    "tiny-normalization-batch",
    Severity.WARNING,
    in_tests=False,
    holds=Holds.ON_ALL_RUNS,
    reads=(trained_batches, populations),
)

_DEAD = 2
"""With so few values per channel a layer learns nothing, which BN204 says of the layer."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report loaders whose batches are too small for the BatchNorm that they train."""
    enough = settings.min_normalization_batch
    found = (batch for batch in trained_batches(run) if _is_too_small(batch, enough))
    for batch in first_of_each(found, key=lambda batch: batch.place):
        message = _message(batch, _smallest(run, batch), enough)
        yield RULE.at(batch.place, message, evidence=[*batch.evidence()])


def _is_too_small(batch: TrainedBatch, enough: int) -> bool:
    return batch.per_device < enough and suffers(batch.forward, batch.per_device)


def _smallest(run: Run, batch: TrainedBatch) -> str:
    """The layer that has the fewest values per channel, and how many, where that is known."""
    found = fewest(run, batch.forward)
    if found is None or batch.per_device * found.values <= _DEAD:
        return ""
    values = batch.per_device * found.values
    factors = " x ".join(map(str, (batch.per_device, *found.positions)))
    product = f"{factors} = {values}" if found.positions else f"{values}"
    return f", and its {in_words(found.layer)} normalises {product} values per channel"


def _message(batch: TrainedBatch, smallest: str, enough: int) -> str:
    size = batch.per_device
    advice = f"use {enough} or more, GroupNorm, or SyncBatchNorm over several devices"
    model = model_in_words(batch.forward.model)
    trained = f"BatchNorm in {model} is trained on {batch.described}{smallest}"
    if size == 1:
        return (
            f"{trained}: each sample is normalised by itself alone, which eval mode never does"
            f" again; {advice}"
        )
    noise = "are almost pure noise" if size == 2 else "are too noisy to match the running ones"
    return f"{trained}: statistics of so few samples {noise}; {advice}"
