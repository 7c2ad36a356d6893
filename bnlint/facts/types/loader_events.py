"""What a program does with its loaders and samplers."""

from collections.abc import Mapping
from dataclasses import field

from bnlint.facts.types.loader import Loader, Sampler, SamplerCode
from bnlint.facts.types.run import Event, Model
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class LoaderIterated(Event):
    """A loop or ``next(iter(...))`` draws from a loader.

    ``whole`` says that it is a loop, which begins anew each time. ``sampler_at`` has code for the
    loader's :class:`Sampler` at those of the loops around that have a name for it.
    """

    loader: Loader
    whole: bool = False
    sampler_at: Mapping[Site, SamplerCode] = field(default_factory=dict)


@immutable
class EpochSet(Event):
    """A sampler is told the epoch, or may be: by ``set_epoch``, or by code that is not known.

    ``sampler`` is ``None`` where it is not known which; ``epoch`` is what it is told.
    """

    sampler: Sampler | None
    epoch: Site | None = None


@immutable
class LoaderHandedOver(Event):
    """A framework gets a loader to train with: ``trainer.fit(model, loader)``, Lightning's hook."""

    loader: Loader
    model: Model | None
    framework: str
