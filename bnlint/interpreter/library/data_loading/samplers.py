"""Samplers that give each process of a distributed training its share of a dataset."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeGuard

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Sampler, SamplerCode
from bnlint.facts.types.loader_events import EpochSet
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Instance, Scope, Super
from bnlint.interpreter.core.values import MISSING, Arguments, Choice, Unknown, Value, present

LOADER = "torch.utils.data.DataLoader"
DISTRIBUTED = frozenset(
    {
        "torch.utils.data.DistributedSampler",
        "torch.utils.data.distributed.DistributedSampler",
    }
)
DECIDING = ("__iter__", "set_epoch", "__getattr__", "__setattr__")
"""Methods of a class by which it orders its samples in its own way."""
SAMPLERS = ("sampler", "batch_sampler")
"""The arguments of a loader that say which samples come when."""
SHUFFLE = 3
"""The position of ``shuffle`` among the arguments of a ``DistributedSampler``."""


def sampler_fact(loader: Instance) -> Sampler | None:
    """The ``DistributedSampler`` of a loader, as rules see it."""
    sampler = _sampler_of(loader)
    if sampler is None:
        return None
    names = tuple(sampler.names)
    return Sampler(sampler.order, sampler.site, names, _shuffles(sampler))


def _sampler_of(loader: Instance) -> Instance | None:
    """The only ``DistributedSampler`` that a loader may have, by itself or in a batch sampler."""
    found = [x for name in SAMPLERS for x in _distributed_in(_argument(loader, name))]
    return found[0] if len(found) == 1 else None


def _distributed_in(value: Value) -> Iterator[Instance]:
    for part in _alternatives(present(value)):
        if not isinstance(part, Instance):
            continue
        if part.library in DISTRIBUTED:
            yield part
        elif part.library == "torch.utils.data.BatchSampler" and part.cls is None:
            inner = part.arguments.get("0", part.arguments.get("sampler", Bound(None)))
            yield from filter(_is_distributed, _alternatives(present(inner.value)))


def _is_distributed(value: Value) -> TypeGuard[Instance]:
    return isinstance(value, Instance) and value.library in DISTRIBUTED


def _alternatives(value: Value) -> tuple[Value, ...]:
    return value.values if isinstance(value, Choice) else (value,)


def _argument(loader: Instance, name: str) -> Value:
    return loader.arguments.get(name, Bound(None)).value


def _shuffles(sampler: Instance) -> Known:
    """Whether it draws an order of its own, as it does unless it is told not to."""
    if sampler.cls is not None and any(sampler.cls.find(n) is not MISSING for n in DECIDING):
        return Known.UNKNOWN
    given = sampler.arguments
    shuffle = given.get("shuffle", given.get(str(SHUFFLE), Bound(True))).value
    known = isinstance(shuffle, bool) and sampler.resolved
    return Known.of(shuffle if known else None)  # type: ignore[arg-type]


# -- who tells it the epoch -----------------------------------------------------------------------


def note_epoch_set(m: Machine, receiver: Value, arguments: Arguments, site: Site) -> None:
    """Record ``receiver.set_epoch(epoch)``."""
    owner = receiver.receiver if isinstance(receiver, Super) else receiver
    node = arguments.nodes[0] if arguments.nodes else arguments.keyword_nodes.get("epoch")
    epoch = None if node is None else Site(site.source, node)
    if _is_distributed(owner):
        _note(m, owner, site, epoch)
    elif isinstance(owner, Unknown):
        _note(m, None, site, epoch)


def note_changed(m: Machine, owner: Instance, site: Site) -> None:
    """Record that an attribute of a sampler is set, as ``sampler.epoch = epoch`` does."""
    if _is_distributed(owner):
        _note(m, owner, site, None)


def note_handed_on(m: Machine, arguments: Arguments, site: Site) -> None:
    """Record that code that is not known gets samplers or loaders, which may tell them the epoch."""
    for value in arguments.values:
        for part in _alternatives(value):
            sampler = part
            if isinstance(part, Instance) and part.library == LOADER:
                sampler = _sampler_of(part)
            if _is_distributed(sampler):
                _note(m, sampler, site, None)


def _note(m: Machine, sampler: Instance | None, site: Site, epoch: Site | None) -> None:
    context = m.context()
    made = None
    if sampler is not None:
        names = tuple(sampler.names)
        made = Sampler(sampler.order, sampler.site, names, _shuffles(sampler))
    m.journal.note(lambda _, order: EpochSet(order, site, context, made, epoch))


# -- how code can reach it ------------------------------------------------------------------------


def sampler_at_loops(m: Machine, loader: Instance) -> dict[Site, SamplerCode]:
    """Code for the sampler of a loader at the loops around, where they have a name for it."""
    sampler = _sampler_of(loader)
    if sampler is None:
        return {}
    found = ((x.site, _code_for(sampler, loader, x.scope)) for x in m.loops if x.scope)
    return {site: code for site, code in found if code is not None}


def _code_for(sampler: Instance, loader: Instance, scope: Scope) -> SamplerCode | None:
    """``train_sampler`` or ``train_loader.sampler``, whichever has a name in the scope."""
    through, found = "", None
    for name, value in _names_in(scope):
        if value is loader and not through:
            through = f"{name}.{_place_of_sampler(loader)}"
        others = [part for part in _alternatives(value) if part is not sampler]
        if found is None and len(others) < len(_alternatives(value)) and not any(others):
            found = SamplerCode(name, f"{name} is not None" if others else "")
    if found is not None:
        return replace(found, through=through)
    condition = f'hasattr({through}, "set_epoch")'
    return SamplerCode(through, condition * _may_have_another(loader), through) if through else None


def _place_of_sampler(loader: Instance) -> str:
    return "sampler" if _argument(loader, "sampler") is not None else "batch_sampler.sampler"


def _may_have_another(loader: Instance) -> bool:
    return any(isinstance(present(_argument(loader, n)), Choice) for n in SAMPLERS)


def _names_in(scope: Scope) -> Iterator[tuple[str, Value]]:
    """What has a name in a scope, in an object with a name, or under a key of a dict with one."""
    around: Scope | None = scope
    while around is not None:
        yield from _named(around.names)
        around = around.parent
    yield from _named(scope.namespace.names)


def _named(names: dict[str, Value]) -> Iterator[tuple[str, Value]]:
    """Names and what they stand for; one that is bound on some paths only is left out."""
    for name, value in names.items():
        yield name, value
        if isinstance(value, Instance) and not value.is_module:
            yield from ((f"{name}.{key}", held) for key, held in value.attributes.items())
        elif isinstance(value, dict):
            for key, held in value.items():
                if isinstance(key, str) and key.isidentifier():
                    yield f'{name}["{key}"]', held
