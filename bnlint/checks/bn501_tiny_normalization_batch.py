"""BN501: BatchNorm is trained on a few samples at a time."""

from collections.abc import Iterator

from bnlint.facts.forwards import trains
from bnlint.facts.known import Known
from bnlint.facts.run import Forward, Loader, NormState, Run, is_training
from bnlint.facts.site import Argument, Site
from bnlint.facts.story import Proof
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings

RULE = Rule("BN501", "tiny-normalization-batch", Severity.WARNING)

_ERRORS = ((8, "24.8"), (4, "27.3"), (2, "34.7"))
"""Error of ResNet-50 on ImageNet, in percent, trained with this many samples on each device."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report loaders whose batches are too small for the BatchNorm that they train."""
    seen = set()
    for forward in run.of_type(Forward):
        if not trains(forward) or forward.batch is None or not forward.loaders:
            continue
        size = forward.batch.number
        norms = _norms_over_the_batch(forward)
        if size is None or size < 1 or size >= settings.min_normalization_batch or not norms:
            continue
        if size > 1 and all(_is_volumetric(norm) for norm in norms):
            continue
        loader = forward.loaders[0]
        place = _place(loader)
        if place not in seen:
            seen.add(place)
            yield _finding(forward, loader, forward.batch, settings.min_normalization_batch)


def _norms_over_the_batch(forward: Forward) -> list[NormState]:
    """The BatchNorm layers that normalise by the batch of one device, frozen weights or not."""
    return [
        norm
        for norm in forward.norms
        if is_training(norm.mode) is Known.YES
        and (norm.layer is None or not norm.layer.type.endswith("SyncBatchNorm"))
    ]


def _is_volumetric(norm: NormState) -> bool:
    return norm.layer is not None and norm.layer.dimensions == 3


def _place(loader: Loader) -> Site:
    given = loader.arguments.get("batch_size")
    return given.site if given is not None and given.site is not None else loader.site


def _finding(forward: Forward, loader: Loader, batch: Argument, enough: int) -> Finding:
    size = int(batch.number or 0)
    evidence: list[Proof] = []
    if batch.origin is not None:
        evidence.append((batch.origin, _origin(batch, size)))
    evidence.append((forward.site, f"`{forward.model.name}` trains on it here"))
    return RULE.at(_place(loader), _message(forward, batch, size, enough), evidence=evidence)


def _origin(batch: Argument, size: int) -> str:
    if batch.option is not None:
        return f"`{batch.option}` is {size} unless it is given"
    return f"{size} is written here"


def _message(forward: Forward, batch: Argument, size: int, enough: int) -> str:
    name = forward.model.name
    source = f" (the default of `{batch.option}`)" if batch.option is not None else ""
    split = ", which DataParallel divides among the devices" if _is_split(forward) else ""
    advice = f"use {enough} or more, GroupNorm, or SyncBatchNorm over several devices"
    if size == 1:
        return (
            f"BatchNorm in `{name}` is trained on batches of 1{source}{split}: each sample is "
            "normalised by itself alone, which eval mode never does again, and one value per "
            f"channel becomes zero; {advice}"
        )
    noise = "are almost pure noise" if size == 2 else "are too noisy to match the running ones"
    return (
        f"BatchNorm in `{name}` is trained on batches of {size}{source}{split}: statistics of so "
        f"few samples {noise}{_measured(size)}; {advice}"
    )


def _is_split(forward: Forward) -> bool:
    return forward.devices is not Known.NO


def _measured(size: int) -> str:
    """What the nearest smaller batch costs ResNet-50 (Group Normalization, table 2)."""
    if size >= 16:
        return ""
    samples, error = next(row for row in _ERRORS if size >= row[0])
    rise = f"rises from 23.6 % at 32 samples to {error} % at {samples}"
    return f" (ResNet-50's error on ImageNet {rise})"
