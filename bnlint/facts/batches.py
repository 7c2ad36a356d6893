"""On how many samples at a time a run trains its models, as far as it is known."""

from collections.abc import Iterator

from bnlint.facts.forwards import trains
from bnlint.facts.known import Known
from bnlint.facts.run import Forward, NormState, Run, is_training
from bnlint.facts.site import Site
from bnlint.facts.story import Proof


def trained_batches(run: Run) -> Iterator[tuple[Forward, int]]:
    """The forwards that a backward runs through, with the number of samples from the loader."""
    for forward in run.of_type(Forward):
        size = forward.batch.number if forward.batch is not None else None
        if trains(forward) and forward.loaders and size is not None and size >= 1:
            yield forward, int(size)


def norms_over_the_batch(forward: Forward) -> list[NormState]:
    """The BatchNorm layers that normalise by the batch of one device, frozen weights or not."""
    return [
        norm
        for norm in forward.norms
        if is_training(norm.mode) is Known.YES
        and (norm.layer is None or not norm.layer.type.endswith("SyncBatchNorm"))
    ]


def how_large(forward: Forward, size: int) -> Iterator[Proof]:
    """Where the number of samples was written, and where the model is trained on them."""
    batch = forward.batch
    if batch is not None and batch.origin is not None:
        option = f"`{batch.option}` is {size} unless it is given"
        yield batch.origin, option if batch.option is not None else f"{size} is written here"
    yield forward.site, f"`{forward.model.name}` trains on it here"


def place_of_batch(forward: Forward) -> Site:
    """The argument that says how many samples a batch has, or the loader that leaves it out."""
    loader = forward.loaders[0]
    given = loader.arguments.get("batch_size")
    return given.site if given is not None and given.site is not None else loader.site


def of_option(forward: Forward) -> str:
    """Which command-line option's default the batch size is, in brackets."""
    option = forward.batch.option if forward.batch is not None else None
    return f" (the default of `{option}`)" if option is not None else ""


def is_split(forward: Forward) -> bool:
    """Whether DataParallel may divide the batch."""
    return forward.devices is not Known.NO
