"""What is done to one layer after another, as to initialise them: executed once for those that are alike.

It is remembered if it depends on nothing but the layer and values that nothing changes, and changes nothing
but the layer's parameters and plain local names.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, fields
from typing import Any

from bnlint.facts.types.initialisation import Draw
from bnlint.facts.types.run import Switch
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.frames import Completion
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Instance
from bnlint.interpreter.core.reads import FIXED, NotFixed, Reads, identity, reading
from bnlint.interpreter.core.values import MISSING, Value
from bnlint.interpreter.torch.modules import MODE
from bnlint.interpreter.torch.parameters import is_parameter, names_of, parameter_of

MOST_TREATMENTS = 64
"""Layers whose arguments differ, of all that are otherwise alike."""
_OWNER = "owner"
_FACTS = frozenset({Draw, Site})
"""Types of what is said of a parameter, beside values."""
_KEPT = FIXED | _FACTS
Names = dict[str, Value]


class _Asked(dict[str, Bound]):
    """The arguments of a layer, and the names of those that were asked for."""

    def __init__(self, arguments: Mapping[str, Bound]) -> None:
        super().__init__(arguments)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Bound:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, other: Any = None) -> Any:
        """One argument."""
        self.names.add(name)
        return super().get(name, other)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self.names.update(super().keys())
        return super().__iter__()

    def keys(self) -> Any:
        """All names."""
        self.names.update(super().keys())
        return super().keys()

    def values(self) -> Any:
        """All arguments."""
        self.names.update(super().keys())
        return super().values()

    def items(self) -> Any:
        """All arguments with their names."""
        self.names.update(super().keys())
        return super().items()


@dataclass(slots=True)
class Treatment:
    """What is done to a layer, and what was read on the way."""

    reads: Reads
    arguments: dict[str, Hashable]
    """What the layer's arguments were that were asked for."""
    names: Names
    """The local names that it sets."""
    parameters: dict[str, Names]
    """What it says of the layer's parameters."""
    biases: list[Site]
    """The places that read the layer's bias."""

    def holds(self, layer: Instance) -> bool:
        """Whether a layer like that would be treated like that."""
        try:
            same = all(_argument(layer, name) == one for name, one in self.arguments.items())
        except NotFixed:
            return False
        return same and self.reads.holds()

    def repeat(self, m: Machine, layer: Instance, names: Names) -> None:
        """Do it to another layer."""
        m.step()
        self.reads.repeat()
        for name, value in self.names.items():
            m.heap.put(names, name, value)
        for name, entries in self.parameters.items():
            parameter = parameter_of(m, layer, name)
            assert isinstance(parameter, Instance)
            for key, value in entries.items():
                m.heap.put(parameter.attributes, key, value)
        for site in self.biases:
            m.journal.biases.note(site, layer)


def treated(
    m: Machine,
    code: Hashable,
    layer: Value,
    names: Names,
    used: Sequence[str],
    execute: Callable[[], Completion | None],
) -> Completion | None:
    """What ``execute``, which runs ``code`` on a layer, comes to; what it did to one like it is repeated.

    ``names`` are the local names, ``used`` those that the code may read beside that of the layer.
    """
    if type(layer) is not Instance or layer.cls is not None or not layer.is_module:
        return execute()
    if m.heap.is_watched or m.exchanged.values:
        return execute()
    try:
        local = tuple(identity(names[name]) if name in names else MISSING for name in used)
        key = code, local, _likeness(m, layer), m.command_line.situation
    except NotFixed:
        return execute()
    known = m.memory.treatments.setdefault(key, [])
    if known is None:
        return execute()
    for treatment in known:
        if treatment.holds(layer):
            treatment.repeat(m, layer, names)
            return None
    done, made = _observed(m, layer, names, execute)
    if made is None or len(known) == MOST_TREATMENTS:
        m.memory.treatments[key] = None
    else:
        known.append(made)
    return done


def _likeness(m: Machine, layer: Instance) -> Hashable:
    """What layers have in common that are alike, their arguments apart, in the present situation.

    Raises:
        NotFixed: the layer holds more than numbers and parameters of its own.
    """
    told = layer.assigned or layer.stands_for_many or layer.part or layer.in_forward
    if told or layer.assumptions != m.assumptions():
        raise NotFixed
    entries = tuple((name, _entry(layer, name, v)) for name, v in layer.attributes.items())
    return layer.library, layer.resolved, names_of(layer), entries, bool(m.building), m.grad


def _entry(layer: Instance, name: str, value: Value) -> Hashable:
    if name == MODE and isinstance(value, frozenset):
        if all(isinstance(s, Switch) and s.site is None and s.training for s in value):
            return True
        raise NotFixed
    if not is_parameter(value):
        return identity(value)
    assert isinstance(value, Instance)
    if value.attributes.get(_OWNER) is not layer:
        raise NotFixed
    said = ((key, fact) for key, fact in value.attributes.items() if key != _OWNER)
    return tuple((key, f if type(f) in _FACTS else identity(f)) for key, f in said)


def _argument(layer: Instance, name: str) -> Hashable:
    bound = layer.arguments.get(name)
    return MISSING if bound is None else identity(bound.value)


def _observed(
    m: Machine, layer: Instance, names: Names, execute: Callable[[], Completion | None]
) -> tuple[Completion | None, Treatment | None]:
    """Execute it; with what it comes to, what it did if that can be repeated."""
    before, exits, biases = _counts(m), len(m.frame.exits), len(m.journal.biases.places)
    arguments = layer.arguments
    layer.arguments = asked = _Asked(arguments)
    try:
        with reading(m) as reads:
            done = execute()
            plain = done is None and len(m.frame.exits) == exits and _counts(m) == before
            made = _treatment(reads, layer, names) if plain and asked == arguments else None
    finally:
        layer.arguments = dict(dict.items(asked))
    if made is not None:
        made.biases = m.journal.biases.places[biases:]
        try:
            made.arguments = {name: _argument(layer, name) for name in asked.names}
        except NotFixed:
            made = None
    return done, made


def _counts(m: Machine) -> list[object]:
    """How much is recorded of everything that may happen."""
    held = (getattr(m.journal, one.name) for one in fields(m.journal))
    return [len(m.tape.ops), *(len(one) if isinstance(one, Sized) else one for one in held)]


def _treatment(reads: Reads, layer: Instance, names: Names) -> Treatment | None:
    """What was done to a layer, ``None`` if it cannot be repeated."""
    own = {name: v.attributes for name, v in layer.attributes.items() if isinstance(v, Instance)}
    inside = {id(names), *(id(entries) for entries in own.values())}
    if reads.told or reads.changed(inside):
        return None
    local = _set(reads, names)
    parameters = {name: _set(reads, entries) for name, entries in own.items()}
    kinds = {type(value) for said in (local, *parameters.values()) for value in said.values()}
    if not kinds <= _KEPT:
        return None
    return Treatment(reads, {}, local, parameters, [])


def _set(reads: Reads, names: Names) -> Names:
    """The entries of a container that have been set."""
    saved = reads.start.saved.get(id(names))
    if saved is None:
        return {}
    before = saved[1]
    assert isinstance(before, dict)
    return {name: v for name, v in names.items() if before.get(name, MISSING) is not v}
