"""BN506: DataParallel leaves BatchNorm a part of the batch on each device."""

from collections.abc import Iterator

from bnlint.facts.passes.training_batches.batches import TrainedBatch, suffers, trained_batches
from bnlint.facts.types.run import Run, Wrapped
from bnlint.finding import Finding, Severity
from bnlint.rule import Holds, Rule, Settings, first_of_each

RULE = Rule(
    "BN506",
    "data-parallel-splits-batch",
    Severity.ADVICE,
    in_tests=False,
    holds=Holds.ON_ALL_RUNS,
    reads=(trained_batches,),
)

FEWEST_DEVICES = 2


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report wrappers of models whose batches are large enough only as long as they are whole."""
    enough = settings.min_normalization_batch
    found = (
        (wrapped, batch)
        for batch in trained_batches(run)
        if _is_split_too_small(batch, enough)
        if (wrapped := _wrapper(run, batch)) is not None
    )
    for wrapped, batch in first_of_each(found, key=lambda entry: entry[0].site):
        yield _finding(wrapped, batch)


def _is_split_too_small(batch: TrainedBatch, enough: int) -> bool:
    """Whether nothing but the number of devices, which is not known, makes batches too small."""
    part = batch.size // FEWEST_DEVICES
    known = batch.devices > 1
    small = part < enough <= batch.size
    return batch.is_split and not known and small and suffers(batch.forward, part)


def _wrapper(run: Run, batch: TrainedBatch) -> Wrapped | None:
    """Where the model was wrapped by DataParallel before."""
    return next(
        (
            wrapped
            for wrapped in run.of_type(Wrapped)
            if wrapped.wrapper == "DataParallel"
            and wrapped.model.is_same(batch.forward.model)
            and wrapped.order < batch.forward.order
        ),
        None,
    )


def _finding(wrapped: Wrapped, batch: TrainedBatch) -> Finding:
    model, part = batch.forward.model.name, batch.size // FEWEST_DEVICES
    return RULE.at(
        wrapped.site,
        f"DataParallel divides {batch.described.partition(', which')[0]} among the devices: on"
        f" {FEWEST_DEVICES} of them BatchNorm in `{model}` takes its statistics of {part} samples, on"
        " more of even fewer, and only those of the first device are kept; use larger batches, or"
        " DistributedDataParallel with SyncBatchNorm",
        evidence=[*batch.evidence()],
    )
