"""On how many samples at a time a run trains its models, as far as it is known."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.run import Forward, NormState, Run, is_training
from bnlint.facts.types.site import Site
from bnlint.facts.wording.evidence import Proof, where_it_comes_from
from bnlint.immutable import immutable


@immutable
class TrainedBatch:
    """A forward that a backward runs through, on ``size`` samples from its first loader.

    ``devices`` is the number among which DataParallel divides them, 1 where it is not known to.
    """

    forward: Forward
    size: int
    devices: int = 1

    @property
    def loader(self) -> Loader:
        """Where the batch comes from."""
        return self.forward.loaders[0]

    @property
    def per_device(self) -> int:
        """The samples that share their statistics: most of the devices get so many."""
        return -(-self.size // self.devices)

    @property
    def place(self) -> Site:
        """The argument that says how many samples there are, or the loader that leaves it out."""
        given = self.loader.arguments.get("batch_size")
        return given.site if given is not None and given.site is not None else self.loader.site

    @property
    def described(self) -> str:
        """``batches of 8 (the default of `--batch`)``, and what becomes of them."""
        batch = self.forward.batch
        option = batch.option if batch is not None else None
        source = f" (the default of `{option}`)" if option is not None else ""
        if batch is not None and batch.given_by is not None:
            source = f" ({batch.given_by})"
        if self.devices > 1:
            each = f", {self.per_device} on each of DataParallel's {self.devices} devices"
            return f"batches of {self.size}{source}{each}"
        split = ", which DataParallel divides among the devices" if self.is_split else ""
        return f"batches of {self.size}{source}{split}"

    @property
    def is_split(self) -> bool:
        """Whether DataParallel may divide the batch."""
        return self.forward.devices is not Known.NO and self.forward.device_count != 1

    def evidence(self) -> Iterator[Proof]:
        """Where the number was written, and where the model is trained on so many samples."""
        yield from where_it_comes_from(self.forward.batch)
        yield self.forward.site, f"`{self.forward.model.name}` trains on it here"


@Pass
def trained_batches(run: Run) -> tuple[TrainedBatch, ...]:
    """The forwards of a run that train a model on a known number of samples."""
    return tuple(_trained_batches(run))


def _trained_batches(run: Run) -> Iterator[TrainedBatch]:
    for forward in run.of_type(Forward):
        size = forward.batch.number if forward.batch is not None else None
        if trains(forward) and forward.loaders and size is not None and size >= 1:
            devices = forward.device_count if forward.context.certain else None
            yield TrainedBatch(forward, int(size), devices or 1)


def norms_over_the_batch(forward: Forward) -> list[NormState]:
    """The BatchNorm layers that normalise by the batch of one device, in train mode alone.

    Their weights may be frozen. Layers whose own forward does the same in both modes are left out.
    """
    return [
        norm
        for norm in forward.norms
        if is_training(norm.mode) is Known.YES
        and norm.synchronised is Known.NO
        and norm.tracks is not Known.UNKNOWN
    ]


def is_stacked(forward: Forward) -> bool:
    """Whether the loaders stack samples themselves, so that the batch has no more of them."""
    collates = [loader.arguments.get("collate_fn") for loader in forward.loaders]
    return all(given is not None and given.value is None for given in collates)


def suffers(forward: Forward, size: int) -> bool:
    """Whether a forward has BatchNorm layers for which so few samples on a device are too few.

    The maps of volumetric networks are so large that two samples are enough. What a function of
    one's own collates may be nodes of graphs or points of clouds, of which each sample has many,
    and ``BatchNorm1d`` averages over them.
    """
    dimensions = {_dimensions(norm) for norm in norms_over_the_batch(forward)}
    if dimensions == {1}:
        return is_stacked(forward)
    return bool(dimensions) and (size == 1 or dimensions != {3})


def _dimensions(norm: NormState) -> int | None:
    return norm.layer.dimensions if norm.layer is not None else None
