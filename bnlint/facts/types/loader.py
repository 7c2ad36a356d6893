"""What a program draws its batches from."""

from enum import StrEnum

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Argument, Site
from bnlint.immutable import immutable


class Purpose(StrEnum):
    """What a loader is for, by its dataset's arguments and its own names."""

    TRAINING = "training"
    EVALUATION = "evaluation"
    UNKNOWN = "unknown"


@immutable(eq=False)
class Dataset:
    """What a loader draws from.

    ``type`` is the qualified or the user's class name, ``""`` if unknown. ``iterable`` tells
    whether it is an IterableDataset, ``mixed`` whether its order is random already (a random
    split, a permutation) or its own business (it ignores the index), ``ordered_by_class`` whether
    it is known to list class after class. ``content`` is what tells its samples from those of others: its
    class and arguments, with the code of those that are not known; empty if nothing is known of it.
    """

    type: str
    site: Site | None
    iterable: Known
    mixed: Known
    ordered_by_class: Known = Known.UNKNOWN
    content: tuple[object, ...] = ()

    def holds_others_than(self, other: "Dataset") -> bool:
        """Whether the code asks for other samples than those of another one."""
        return bool(self.content and other.content) and self.content != other.content


@immutable
class Sampler:
    """A ``DistributedSampler``: the share of one process in a dataset.

    ``shuffles`` tells whether that is drawn at random, by a number that only ``set_epoch`` changes.
    ``identity`` is the same in all facts about one object, and its order among the run's events.
    """

    identity: int
    site: Site
    names: tuple[str, ...]
    shuffles: Known


@immutable
class SamplerCode:
    """Code that stands for a sampler at some place, and what must hold for it to be one.

    ``through`` is code that asks the loader for its sampler, whichever that is; ``""`` if it has no
    name there.
    """

    code: str
    condition: str = ""
    through: str = ""


@immutable(eq=False)
class Loader:
    """One DataLoader. ``arguments`` binds every constructor parameter, defaults included.

    Data that no loader yields, but whose name says that it is for evaluation (``val_x``, an item of
    ``test_set``), have one without arguments.

    ``names`` are the variables and attributes that it was bound to. ``resolved`` is false when
    ``*args`` or ``**kwargs`` that are not known took part in the call. ``settled`` is false when
    keywords that are unpacked into it may bring a sampler or ``shuffle`` on another path.
    ``sampler`` is the ``DistributedSampler`` that it is given, on some path at least.
    ``samples`` is how many there are in its dataset. ``rebatched`` says that a framework makes
    other batches of it.
    """

    site: Site
    arguments: dict[str, Argument]
    dataset: Dataset
    names: tuple[str, ...]
    purpose: Purpose
    resolved: bool = True
    settled: bool = True
    sampler: Sampler | None = None
    samples: int | None = None
    rebatched: bool = False
    loop_over_classes: Site | None = None
    """The loop in which its iterable dataset yields all samples of a class before those of the next."""

    @property
    def is_held_out(self) -> bool:
        """Whether it is no loader, but data whose name says that nothing is trained on it."""
        return not self.arguments and self.purpose is Purpose.EVALUATION
