"""Optimizers that keep an average of the weights, and put it into the model in their place."""

from collections.abc import Iterator, Mapping
from functools import cache

from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsSwapped
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.optimized import owners_within

_SCHEDULE_FREE: dict[str, bool | None] = {"eval": True, "train": False}
_SWAPS: dict[tuple[str, str], dict[str, bool | None]] = {
    ("schedulefree", "ScheduleFree"): _SCHEDULE_FREE,
    ("pytorch_optimizer", "ScheduleFree"): _SCHEDULE_FREE,
    ("torchcontrib", "SWA"): {"swap_swa_sgd": None},
}
"""What such classes have in their names, package by package, and whether a method puts the average in."""
_ONLY_WITHIN_STEPS = "Closure"
"""What classes of schedulefree have in their names that give the weights back by themselves."""


def keeps_average(path: str) -> bool:
    """Whether a class of a package is an optimizer of this kind."""
    return bool(_methods(path))


def note_swapped(m: Machine, optimizer: Instance, name: str, site: Site) -> None:
    """Record ``optimizer.name()`` if that puts other weights into the models that it trains."""
    methods = _methods(optimizer.library)
    if name not in methods:
        return
    context, averaged = m.context(), methods[name]
    for module in _models_of(optimizer):
        model = model_record(m, module)
        m.journal.note(
            lambda facts, order, model=model: WeightsSwapped(  # type: ignore[misc]
                order, site, context, facts.model(model), averaged
            )
        )


@cache
def _methods(path: str) -> Mapping[str, bool | None]:
    package, name = path.partition(".")[0], path.rpartition(".")[2]
    if _ONLY_WITHIN_STEPS in name:
        return {}
    found = (
        methods for (where, word), methods in _SWAPS.items() if where == package and word in name
    )
    return next(found, {})


def _models_of(optimizer: Instance) -> Iterator[Instance]:
    """The modules whose parameters an optimizer, or the one that it wraps, was given."""
    given = [bound.value for bound in optimizer.arguments.values()]
    yield from dict.fromkeys(owners_within(given))
    for value in given:
        if isinstance(value, Instance) and value.library.startswith("torch.optim."):
            yield from _models_of(value)
