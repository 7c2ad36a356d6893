"""BN511: models in shards keep running statistics of their own in each process."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, Wrapped
from bnlint.facts.types.site import Site
from bnlint.facts.wording.syncbn_fix import conversion_before
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN511",
    "fsdp-unsynchronised-statistics",
    Severity.ADVICE,
    fix=Applicability.SAFE,
    in_tests=False,
)

SHARDING = frozenset({"FullyShardedDataParallel", "fully_shard"})


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report where models are sharded whose BatchNorm layers are then trained live."""
    found = (
        (wrapped, forward)
        for wrapped in run.of_type(Wrapped)
        if wrapped.wrapper in SHARDING and not wrapped.model.buffers_used
        for forward in run.of_type(Forward)
        if forward.order > wrapped.order and forward.model.is_same(wrapped.model)
        if trains(forward) and _has_own_statistics(forward)
    )
    for wrapped, forward in first_of_each(found, key=lambda entry: entry[0].site):
        yield _finding(wrapped, forward)


def _has_own_statistics(forward: Forward) -> bool:
    return any(norm.synchronised is Known.NO for norm in norms_in_training(forward))


def _finding(wrapped: Wrapped, forward: Forward) -> Finding:
    model = forward.model.name
    return RULE.at(
        wrapped.site,
        f"`{wrapped.wrapper}` synchronises parameters, but no buffers: BatchNorm in `{model}` takes its"
        " statistics of the batch of its own process, and keeps running ones that differ from those of"
        " the others, in evaluations and in what each saves; convert the model with"
        " `SyncBatchNorm.convert_sync_batchnorm` before, or use GroupNorm",
        evidence=[(forward.site, f"`{model}` trains here")],
        fix=_fix(wrapped.site),
    )


def _fix(site: Site) -> Fix | None:
    """Convert before the statement that shards, where the code is for GPUs: SyncBatchNorm is, too."""
    if site.source.mentions("gloo") or not site.source.mentions("cuda"):
        return None
    conversion = conversion_before(site)
    return None if conversion is None else RULE.fixed_by(*conversion)
