"""nn.Module: children, names, and modes."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import libcst as cst

from bnlint.facts.types.context import Assumption
from bnlint.facts.types.run import Alternative, Mode, Switch
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.journal import Named, Slot
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.values import (
    Arguments,
    Choice,
    Float,
    Int,
    Many,
    Maybe,
    Tensor,
    Text,
    Unknown,
    Value,
    present,
)
from bnlint.interpreter.torch.module_classes import AVERAGE, FSDP

CONTAINERS = frozenset({"torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict"})
WRAPPERS = frozenset(
    {
        "torch.nn.DataParallel",
        "torch.nn.parallel.DistributedDataParallel",
        FSDP,
        AVERAGE,
        "torch.compile",
    }
)
PARAMETER = "torch.nn.Parameter"
MODE = "training"
"""The attribute that holds a module's mode."""
_MAY_HOLD = frozenset({Choice, Unknown, Many})
"""Types of the entries that may be, or hold, modules that are not known."""
_UNCERTAIN = frozenset({Maybe, Choice})
_UNNAMED = "?"
"""What the names of attributes begin with that a program does not know by name."""
NORMS = "?norms"
"""The attribute that holds, as one, the BatchNorm layers of a third-party model."""
UNKNOWN_MODE: Mode = frozenset({Switch(None)})


def is_container(module: Instance) -> bool:
    """Whether a module is a Sequential, ModuleList or ModuleDict or derives from one."""
    return module.library in CONTAINERS


def children(module: Instance) -> list[tuple[str, Value]]:
    """The named children of a module, in registration order; items of containers may be unknown."""
    found: list[tuple[str, Value]] = []
    container = module.library in CONTAINERS
    for name, entry in module.attributes.items():
        value = entry.value if type(entry) is Maybe else entry
        if type(value) is not Instance:
            if type(value) in _MAY_HOLD:
                found += _vague_children(name, value, container)
        elif value.is_module:
            found += () if value.stands_for_many else ((name, value),)
        elif container and value.library != PARAMETER and (value.cls is None or value.cls.open):
            found.append((name, Unknown("module")))
    return found


def _vague_children(name: str, value: Value, container: bool) -> list[tuple[str, Value]]:
    """What an entry holds that is one of several modules, or not known."""
    if isinstance(value, Choice):
        modules = (v for v in value.values if isinstance(v, Instance) and v.is_module)
        return [(name, module) for module in modules]
    return [(name, value)] if container and name != MODE else []


def places(module: Instance) -> list[tuple[str, Value]]:
    """The children by their names, each once: a module, one of several, or what is not known."""
    found: dict[str, Value] = {}
    for name, value in children(module):
        entry = present(module.attributes[name])
        found[name] = entry if isinstance(entry, Choice) else value
    return list(found.items())


def is_certain_child(module: Instance, name: str) -> bool:
    """Whether a child is there on every path, and always the same one."""
    return type(module.attributes.get(name)) not in _UNCERTAIN


def child_modules(module: Instance) -> Iterator[tuple[str, Instance]]:
    """The children that are known modules."""
    for name, value in children(module):
        if isinstance(value, Instance):
            yield name, value
            continue
        element = value.element if isinstance(value, Many) else None
        if isinstance(element, Instance) and element.is_module:
            yield name, element


def is_wrapper(module: Instance) -> bool:
    """Whether a module is torch's own that only calls the one that it was given."""
    return module.library in WRAPPERS and module.cls is None


def named_parts(module: Instance) -> list[Named]:
    """A module and all below, in ``named_modules`` order, with their names.

    The BatchNorm layers of a third-party model are among them as one.
    """
    found: dict[int, Named] = {}

    def visit(
        name: str, current: Instance, path: tuple[int, ...], certain: bool, slot: Slot | None
    ) -> None:
        known = found.get(id(current))
        if id(current) in path:
            return
        if known is not None:
            known.aliases.extend([name] if certain else [])
            known.certain = known.certain or certain
            return
        found[id(current)] = Named(current, name, [], certain, slot)
        around, prefix = (*path, id(current)), f"{name}." if name else ""
        if (group := norm_group(current)) is not None:
            visit(f"{prefix}{NORMS}", group, path, certain, slot)
        for part, child in child_modules(current):
            inner = f"{prefix}{part}"
            if is_certain_child(current, part):
                visit(inner, child, around, certain, slot)
            else:
                place = _slot(current, part, inner, child) if certain else None
                visit(inner, child, around, False, place)

    visit("", module, (), True, None)
    return list(found.values())


def _slot(owner: Instance, part: str, name: str, child: Instance) -> Slot | None:
    """The place that a child takes if it is one of several modules, all of which are known."""
    choice = owner.attributes.get(part)
    if not isinstance(choice, Choice):
        return None
    values = choice.values
    if not all(isinstance(value, Instance) and value.is_module for value in values):
        return None
    number = next(number for number, value in enumerate(values) if value is child)
    return Slot(Alternative(name, number, len(values)), child)


def parts_of(m: Machine, module: Instance) -> list[Named]:
    """As ``named_parts``, remembered until some module gets or loses a part."""
    known = m.memory.parts.get(module)
    if known is None or known[0] != m.heap.structure:
        known = m.memory.parts[module] = m.heap.structure, named_parts(module)
    return known[1]


def descendants(m: Machine, module: Instance) -> list[tuple[str, Instance]]:
    """The module and all below, in ``named_modules`` order, each under its first dotted name."""
    return [(part.name, part.module) for part in parts_of(m, module)]


def norm_group(module: Instance) -> Instance | None:
    """What stands for the BatchNorm layers of a third-party model, parts taken from it excepted."""
    group = module.attributes.get(NORMS)
    return group if isinstance(group, Instance) else None


def has_unknown_children(parts: Iterable[Named]) -> bool:
    """Whether some module below one of a model's parts is not known."""
    return any(
        isinstance(value, Unknown)
        for part in parts
        if is_container(part.module)
        for _, value in children(part.module)
    )


def register_child(m: Machine, owner: Instance, name: str, value: Value) -> None:
    """``owner.name = value`` for a module or an item of a container."""
    if is_container(owner) and isinstance(value, Instance) and not value.is_module:
        _recognise(m, value)
    if m.recipes is not None:
        m.recipes.note_changed(owner, name, value)
    if is_container(owner) and name not in owner.attributes:
        for loop in m.loops:
            if loop.abstract and owner.order <= loop.since:
                loop.grown[owner] = None
    m.heap.put(owner.attributes, name, value)
    m.heap.structure += 1
    m.journal.effects += 1
    for module in modules_in(value):
        module.has_parent = True


def _recognise(m: Machine, value: Instance) -> None:
    """What stands among modules is one, though its base class could not be resolved."""
    if value.cls is not None and value.cls.open:
        value.is_module = True
        value.attributes[MODE] = built_mode(m)


_NO_MODULES = frozenset({type(None), bool, int, float, str, Int, Float, Text, Unknown, Tensor})
"""Types of values that hold no modules."""


def modules_in(value: Value) -> list[Instance]:
    """The modules that a value is or, two levels deep, holds, each once.

    A long container that does not begin with modules holds none.
    """
    if isinstance(value, Instance):
        return [value] if value.is_module else []
    found: dict[Instance, None] = {}
    if type(value) not in _NO_MODULES:
        _gather(value, 2, found, set())
    return list(found)


def _gather(value: Value, depth: int, found: dict[Instance, None], barren: set[int]) -> None:
    """Collect modules; ``barren`` are containers that hold none."""
    parts: Iterable[Value] = ()
    match value:
        case Instance(is_module=True):
            found[value] = None
        case Maybe(value=inner):
            _gather(inner, depth, found, barren)
        case Choice(values=values):
            found.update({v: None for v in values if isinstance(v, Instance) and v.is_module})
        case Many(element=element) if depth:
            parts = (element,)
        case list() | tuple() if depth and id(value) not in barren:
            parts = () if _NO_MODULES.issuperset(map(type, value)) else value
        case dict() if depth and id(value) not in barren:
            parts = value.values()
    before = len(found)
    for number, part in enumerate(parts):
        if number == MOST_LOOKED_AT and len(found) == before:
            break
        _gather(part, depth - 1, found, barren)
    if depth == 1 and parts and len(found) == before:
        barren.add(id(value))


def next_name(module: Instance) -> str:
    """A name for a child whose own name is not known."""
    return f"{_UNNAMED}{len(module.attributes)}"


def is_unnamed(name: str) -> bool:
    """Whether a child's own name is not known; torch refuses one that is empty."""
    return not name or name.startswith(_UNNAMED)


# -- modes --------------------------------------------------------------------------------------


def mode_of(m: Machine, module: Instance) -> Mode:
    """The ways in which a module may have come into its mode; unknown if before this entry point."""
    m.journal.modes_asked[module] = None
    mode = module.attributes.get(MODE)
    if not isinstance(mode, frozenset):
        return UNKNOWN_MODE
    if all(switch.order < m.journal.run_start for switch in mode):
        return UNKNOWN_MODE
    return _in_force(mode, set(m.assumptions())) if len(mode) > 1 else mode


def is_switched_since(module: Instance, order: int) -> bool:
    """Whether a module has come into its mode since then, which does not ask for the mode itself."""
    mode = module.attributes.get(MODE)
    return isinstance(mode, frozenset) and any(switch.order > order for switch in mode)


def _in_force(mode: Mode, here: set[Assumption]) -> Mode:
    """Without the switches before the last one that certainly happened on the present path.

    What is left of a body that raised stays: the rest of that body has not happened.
    """
    happened = (s.order for s in mode if s.context and here.issuperset(s.context.assumptions))
    last = max(happened, default=-1)
    return frozenset(switch for switch in mode if switch.order >= last or switch.raised)


def built_mode(m: Machine, training: bool | None = True) -> Mode:
    """The mode of a module that has just been built."""
    return frozenset({Switch(training, None, None, m.journal.next_order())})


def is_switched(module: Instance) -> bool:
    """Whether something has set a module's mode since it was built."""
    mode = module.attributes.get(MODE)
    return not isinstance(mode, frozenset) or any(switch.site is not None for switch in mode)


def set_mode(
    m: Machine, module: Instance, training: bool | None, site: Site, scope: Scope | None
) -> None:
    """What ``module.train(training)`` of torch does: children follow, through their own ``train``."""
    switch = Switch(training, site, m.context(), m.journal.next_order())
    m.journal.effects += 1
    if training is None:
        m.journal.handed_over.add(module)
    mode, parts = frozenset({switch}), parts_of(m, module)
    if all(map(_follows, parts[1:])):
        for part in parts:
            m.heap.put(part.module.attributes, MODE, mode)
        m.step(len(parts) >> 2)
        return
    seen: set[int] = set()
    _spread(m, module, mode, site, scope, seen)
    m.step(len(seen) >> 2)


def _follows(part: Named) -> bool:
    """Whether a part of a module certainly gets its mode, and nothing else happens then."""
    return part.certain and own_train(part.module) is None


def set_own_mode(m: Machine, module: Instance, training: bool | None, site: Site) -> None:
    """``module.training = training``: children keep their modes."""
    switch = Switch(training, site, m.context(), m.journal.next_order())
    m.journal.effects += 1
    m.heap.put(module.attributes, MODE, frozenset({switch}))


def _spread(
    m: Machine,
    module: Instance,
    mode: Mode,
    site: Site,
    scope: Scope | None,
    seen: set[int],
) -> None:
    seen.add(id(module))
    m.heap.put(module.attributes, MODE, mode)
    if (group := norm_group(module)) is not None:
        m.heap.put(group.attributes, MODE, mode)
    for name, child in list(child_modules(module)):
        if id(child) in seen:
            continue
        if is_certain_child(module, name) or not set(child.assumptions) <= set(module.assumptions):
            _spread_to_child(m, child, mode, site, scope, seen)
        else:
            m.step(
                1 + (len(seen) >> 3)
            )  # such children of such children: as many as there are ways
            reach = partial(_spread_if_there, m, child, mode, site, scope, set(seen))
            m.fork(reach, lambda: None, site)


def _spread_if_there(
    m: Machine, child: Instance, mode: Mode, site: Site, scope: Scope | None, seen: set[int]
) -> None:
    """Switch the mode of what may be a child, on the path on which it is one."""
    here = frozenset(replace(s, context=m.context()) if s.context else s for s in mode)
    _spread_to_child(m, child, here, site, scope, seen)


def _spread_to_child(
    m: Machine, child: Instance, mode: Mode, site: Site, scope: Scope | None, seen: set[int]
) -> None:
    own = own_train(child)
    if isinstance(own, Unknown):
        _spread(m, child, UNKNOWN_MODE, site, scope, seen)
    elif own is None or scope is None:
        _spread(m, child, mode, site, scope, seen)
    else:
        answers = {switch.training for switch in mode}
        value = answers.pop() if len(answers) == 1 else None
        given: Value = Unknown("mode") if value is None else value
        m.call(own, Arguments([given]), site, scope)


def own_train(module: Instance) -> Value:
    """The ``train`` that code gives a module in the place of torch's: by its class or by hand.

    It is not known what follows where a class has one that torch, which hands over the mode, cannot call.
    """
    replaced = module.attributes.get("train")
    if isinstance(replaced, Function | Method | Unknown):
        return replaced
    own = module.cls.find("train") if module.cls is not None else None
    if not isinstance(own, Function):
        return None
    params = own.node.params
    many = len([*params.posonly_params, *params.params]) > 1
    takes_mode = many or isinstance(params.star_arg, cst.Param)
    return Method(own, module) if takes_mode else Unknown("train() without a mode")
