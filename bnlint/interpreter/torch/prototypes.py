"""Modules that are built again with equal arguments: copied instead of executed again.

A construction is remembered if it reads nothing from outside but values that nothing changes, and changes
nothing that is older than itself. It is copied where all that it read is still the same.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import libcst as cst

from bnlint.facts.types.initialisation import Draw
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Switch
from bnlint.facts.types.site import Argument, Site
from bnlint.interpreter.core.frames import CHAIN, calls
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, Class, Function, Instance, Method
from bnlint.interpreter.core.reads import FIXED, NotFixed, Reads, identity, reading
from bnlint.interpreter.core.values import Arguments, Choice, Many, Maybe, Selection, Tensor, Value
from bnlint.interpreter.torch.modules import MODE, built_mode

MOST_MODULES = 3_000
"""Modules in one that is remembered."""
_FACTS = frozenset({Argument, Draw, Known, Site, Switch})
"""Types of what is said of a layer or parameter."""
STEPS_A_COPY = 8
"""For each object: what a model of modules costs all passes over it, not the copy itself alone."""
Build = Callable[[], Instance]


@dataclass(slots=True)
class Prototype:
    """A module right after it was built, and all objects that it holds, oldest first."""

    root: Instance
    objects: list[Instance]
    site: Site
    """The call that built it."""
    reads: Reads


def built_or_copied(
    m: Machine, cls: Class, arguments: Arguments, site: Site, build: Build
) -> Instance:
    """A module that ``build`` builds, or a copy of one that was built from the same."""
    if m.exchanged.values or arguments.opened or arguments.further or arguments.unpacked:
        return build()
    try:
        key = cls, identity((arguments.positional, arguments.keywords)), m.command_line.situation
    except NotFixed:
        return build()
    if key not in m.memory.prototypes:
        m.memory.prototypes[key] = None
        return build()
    prototype = m.memory.prototypes[key]
    if prototype is None or not prototype.reads.holds():
        return _remembered(m, key, site, build)
    prototype.reads.repeat()
    return _Copy(m, prototype, site).made()


def _remembered(m: Machine, key: Hashable, site: Site, build: Build) -> Instance:
    """Build a module, and keep how it is if a copy would be as good next time."""
    oldest = m.journal.order
    with reading(m) as reads:
        made = build()
        if not reads.told:
            m.memory.prototypes[key] = _prototype(m, made, reads, oldest, site)
    return made


def _prototype(
    m: Machine, made: Instance, reads: Reads, oldest: int, site: Site
) -> Prototype | None:
    """What a module that has just been built is copied from, ``None`` if it cannot be."""
    try:
        objects = _objects(m, made, reads, oldest)
    except NotFixed:
        return None
    inside = {id(one.attributes) for one in objects} | {id(one.assigned) for one in objects}
    if reads.changed(inside):
        return None
    objects.sort(key=lambda one: one.order)
    kept = {id(one): one.replica() for one in objects}
    memo: dict[int, Value] = {}
    for one in kept.values():
        _fill(one, one, kept, memo)
    return Prototype(kept[id(made)], list(kept.values()), site, reads)


def _objects(m: Machine, made: Instance, reads: Reads, oldest: int) -> list[Instance]:
    """All objects that a module holds, itself included.

    Raises:
        NotFixed: one of them is older, was built or switched under conditions, or holds something
            that cannot be copied.
    """
    found: dict[int, Instance] = {}
    pending: list[Value] = [made]
    while pending:
        value = pending.pop()
        if isinstance(value, list | dict | set) and not m.heap.is_newer(value, reads.start):
            raise NotFixed
        if not isinstance(value, Instance):
            pending += _parts(value)
        elif id(value) not in found:
            found[id(value)] = value
            if len(found) > MOST_MODULES or not _is_plain(value, made, oldest):
                raise NotFixed
            pending += value.attributes.values()
            pending += [bound.value for bound in value.arguments.values()]
    return list(found.values())


def _is_plain(one: Instance, made: Instance, oldest: int) -> bool:
    """Whether an object came into being with a module, on the same path, and has its first mode."""
    if one.order and (one.order <= oldest or one.assumptions != made.assumptions):
        return False
    mode = one.attributes.get(MODE, frozenset())
    return isinstance(mode, frozenset) and all(s.site is None and s.training for s in mode)


def _parts(value: Value) -> Sequence[Value]:
    """What a value holds that must be copied, too; raises NotFixed if it cannot be."""
    if type(value) in FIXED or type(value) in _FACTS:
        return ()
    match value:
        case Function(scope=scope) if scope.function is None:
            return ()
        case tuple() | list() | set() | frozenset():
            return list(value)
        case dict():
            return list(value.values())
        case Maybe(value=inner) | Many(element=inner, loader=None) | Builtin(receiver=inner):
            return (inner,)
        case Choice(values=values):
            return values
        case Method(function=function, receiver=receiver):
            return function, receiver
        case Tensor(loaders=loaders) if not loaders:
            return ()
    raise NotFixed


class _Copy:
    """A copy of a prototype as if it were built at the place that is being executed."""

    def __init__(self, m: Machine, prototype: Prototype, site: Site) -> None:
        self.m, self.prototype, self.site = m, prototype, site
        self.assumptions = m.assumptions()

    def made(self) -> Instance:
        """The copy of the module."""
        m, prototype = self.m, self.prototype
        m.step(STEPS_A_COPY * len(prototype.objects))
        copies = {id(one): self._empty(one) for one in prototype.objects}
        memo: dict[int, Value] = {}
        for one in prototype.objects:
            copy = copies[id(one)]
            _fill(one, copy, copies, memo)
            if MODE in copy.attributes and one.order:
                copy.attributes[MODE] = built_mode(m)
            m.heap.new(copy.attributes)
            m.heap.new(copy.assigned)
        made = copies[id(prototype.root)]
        made.class_node = self.site.node.func if isinstance(self.site.node, cst.Call) else None
        made.has_parent = False
        m.heap.structure += 1
        m.journal.effects += 1
        return made

    def _empty(self, one: Instance) -> Instance:
        """A new object of the same kind, without its parts."""
        m = self.m
        copy = one.replica()
        copy.site, copy.chain = self._site_of(one), self._chain_of(one)
        if one.order:
            copy.order, copy.assumptions = m.journal.next_order(), self.assumptions
        if one.is_module and one.order:
            m.journal.built.append(copy)
        if one.cls is not None:
            one.cls.last_instance = copy
        return copy

    def _site_of(self, one: Instance) -> Site:
        return self.site if one.site is self.prototype.site else one.site

    def _chain_of(self, one: Instance) -> tuple[Site, ...]:
        """The calls that led to where an object is built, nearest first."""
        if one is self.prototype.root:
            return self.m.frame.chain(self.m.frames) if self.m.frames else ()
        for number, call in enumerate(one.chain):
            if call is self.prototype.site:
                outer = calls(self.m.frames[number + 1 - CHAIN :]) if number + 1 < CHAIN else ()
                return (*one.chain[:number], self.site, *outer)
        return one.chain


def _fill(
    one: Instance, copy: Instance, copies: dict[int, Instance], memo: dict[int, Value]
) -> None:
    """Give a copy the parts of an object, themselves copied."""
    copy.attributes = {
        name: v if type(v) in FIXED else _copied(v, copies, memo)
        for name, v in one.attributes.items()
    }
    copy.arguments = {
        name: bound
        if type(bound.value) in FIXED
        else replace(bound, value=_copied(bound.value, copies, memo))
        for name, bound in one.arguments.items()
    }
    copy.assigned, copy.names = dict(one.assigned), list(one.names)


def _copied(value: Value, copies: dict[int, Instance], memo: dict[int, Value]) -> Value:
    """A value with copies in the place of the objects that it holds."""
    if type(value) in FIXED:
        return value
    if type(value) is Instance:
        return copies[id(value)]
    if id(value) not in memo:
        memo[id(value)] = _rebuilt(value, lambda part: _copied(part, copies, memo))
    return memo[id(value)]


def _rebuilt(value: Value, copied: Callable[[Value], Value]) -> Value:
    match value:
        case tuple() | list() | set() | frozenset():
            return type(value)(map(copied, value))
        case dict():
            return {key: copied(part) for key, part in value.items()}
        case Maybe(value=inner):
            return Maybe(copied(inner))
        case Many(element=inner):
            return replace(value, element=copied(inner))
        case Builtin(receiver=inner):
            return replace(value, receiver=copied(inner))
        case Method(receiver=inner):
            return replace(value, receiver=copied(inner))
        case Choice(values=values):
            return Choice(tuple(map(copied, values)), Selection())
    return value
