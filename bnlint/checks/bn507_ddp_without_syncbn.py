"""BN507: BatchNorm under DistributedDataParallel has a small batch of each process to itself."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.training_batches.batches import norms_over_the_batch, suffers
from bnlint.facts.passes.training_batches.contrastive_keys import shuffles_keys
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, Wrapped
from bnlint.facts.types.site import Argument, Site
from bnlint.facts.wording.code_text import is_about_processes
from bnlint.facts.wording.run_options import names_normalization
from bnlint.facts.wording.syncbn_fix import conversion_before
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN507", "ddp-without-syncbn", Severity.ADVICE, fix=Applicability.SAFE, in_tests=False)

FEWEST_PROCESSES = 2
_CONVERSIONS = ("convert_sync_batchnorm", "convert_syncbn_model")
"""The functions of torch and of apex that make a model's BatchNorm layers synchronised."""


@immutable
class ProcessShare:
    """What one process trains on: ``size`` samples, or so many at most where ``whole`` is divided."""

    size: int
    batch: Argument
    whole: int | None = None


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report models that DistributedDataParallel trains on few samples in each process."""
    if names_normalization(run.options):
        return
    found = (
        (wrapped, forward, share)
        for forward in run.of_type(Forward)
        if trains(forward) and not any(n.synchronised is Known.YES for n in forward.norms)
        if (share := _share(forward)) is not None
        if share.size < settings.min_normalization_batch and suffers(forward, share.size)
        if _can_be_converted(forward) and not shuffles_keys(run, forward)
        if (wrapped := _wrapper(run, forward)) is not None
    )
    for wrapped, forward, share in first_of_each(found, key=lambda entry: entry[0].site):
        yield _finding(wrapped, forward, share)


def _can_be_converted(forward: Forward) -> bool:
    """Whether some of the layers are torch's; the conversion passes over those of the project's own."""
    return any(norm.own is None for norm in norms_over_the_batch(forward))


def _share(forward: Forward) -> ProcessShare | None:
    batch = forward.batch
    if batch is None or not forward.loaders:
        return None
    if batch.number is not None:
        return ProcessShare(int(batch.number), batch) if batch.number >= 1 else None
    written = batch.origin or batch.site
    if batch.divided is None or batch.divided < FEWEST_PROCESSES or written is None:
        return None
    if not is_about_processes(written.text):
        return None
    return ProcessShare(int(batch.divided) // FEWEST_PROCESSES, batch, int(batch.divided))


def _wrapper(run: Run, forward: Forward) -> Wrapped | None:
    """Where the model of a forward was wrapped by DistributedDataParallel before."""
    return next(
        (
            wrapped
            for wrapped in run.of_type(Wrapped)
            if wrapped.wrapper == "DistributedDataParallel"
            and wrapped.model.is_same(forward.model)
            and wrapped.order < forward.order
        ),
        None,
    )


def _finding(wrapped: Wrapped, forward: Forward, share: ProcessShare) -> Finding:
    model, site = forward.model.name, wrapped.site
    if share.whole is None:
        samples = f"of its own batch of {share.size} alone"
    else:
        samples = f"of its own part of {share.whole} samples alone, {share.size} or fewer"
    converts = any(map(site.source.calls, _CONVERSIONS))
    remedy = (
        "turn on the conversion to SyncBatchNorm that the script has"
        if converts
        else "convert the model with `SyncBatchNorm.convert_sync_batchnorm` before it is wrapped"
    )
    written = share.batch.origin or share.batch.site
    evidence = [] if written is None else [(written, "the size of the batch is decided here")]
    return RULE.at(
        site,
        f"DistributedDataParallel leaves BatchNorm to each process: in `{model}` each takes its"
        f" statistics {samples}, which is noisy, and those of process 0 are saved; {remedy}",
        evidence=[*evidence, (forward.site, f"`{model}` trains here")],
        fix=None if converts else _fix(site),
    )


def _fix(site: Site) -> Fix | None:
    """Convert before the statement that wraps; SyncBatchNorm only works on GPUs."""
    if "device_ids" not in site.text or site.source.mentions("gloo"):
        return None
    conversion = conversion_before(site)
    return None if conversion is None else RULE.fixed_by(*conversion)
