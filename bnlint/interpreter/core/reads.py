"""What is read from outside while something is executed: whether it would turn out the same again."""

from collections.abc import Container, Hashable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import libcst as cst

from bnlint.immutable import immutable
from bnlint.interpreter.core.command_line import Conditional
from bnlint.interpreter.core.heap import Snapshot
from bnlint.interpreter.core.namespaces import Directory, Namespace
from bnlint.interpreter.core.objects import (
    Class,
    Function,
    NumberMember,
    Partial,
    Property,
    Static,
    TextMember,
)
from bnlint.interpreter.core.values import (
    EXIT,
    MISSING,
    SHUFFLED,
    Configuration,
    Float,
    GradientSwitch,
    Int,
    Length,
    Library,
    Text,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from bnlint.interpreter.core.machine import Machine

Owner: TypeAlias = "dict[str, Value] | Namespace | Class"
"""Where a name is looked up."""

MOST_PARTS = 600
"""Items of a container, those of its containers included, that are compared."""
_CONSTANT = frozenset(
    {type(None), bool, int, float, str, bytes, complex, range, slice, type(...), type(MISSING)}
)
_WRITTEN = frozenset({Int, Float, NumberMember})
_OBJECTS = frozenset({Class, Function, Library, Namespace, Directory, Length, Property, Static}) | {
    GradientSwitch,
    TextMember,
}
"""Types of values that nothing changes, and that say themselves which are equal."""
FIXED = (_CONSTANT | _WRITTEN | _OBJECTS | {Unknown, Text}) - {Function, Property, Static}
"""Types of values that can stand for themselves in a copy."""
_SPECIAL = frozenset({SHUFFLED, EXIT})


class NotFixed(Exception):
    """A value may change, or is too large to compare."""


def identity(value: Value) -> Hashable:
    """What two values have in common that can stand for each other, provenance of numbers included.

    Raises:
        NotFixed: the value may change, or holds something that may.
    """
    return _identity(value, [MOST_PARTS])


def _identity(value: Value, left: list[int]) -> Hashable:
    kind = type(value)
    if kind in _CONSTANT:
        return kind, value if kind is not slice else repr(value)
    if kind in _OBJECTS or (kind is Unknown and value in _SPECIAL):
        return value
    if kind is Unknown:
        return kind, value.reason  # type: ignore[attr-defined]
    if kind is Text:
        return kind, str(value), value.option, value.given_by, value.constant  # type: ignore[attr-defined]
    if kind in _WRITTEN:
        origin = value.site.node, value.option, value.given_by  # type: ignore[attr-defined]
        return kind, value, id(origin[0]), *origin[1:]
    if isinstance(value, Sized):
        left[0] -= 1 + len(value)
    if left[0] < 0:
        raise NotFixed
    match value:
        case tuple() | list():
            return kind, tuple(_identity(part, left) for part in value)
        case Configuration(parent=Configuration()):
            raise NotFixed  # what its references mean is outside of it
        case dict():
            parts = value.items()
            return kind, tuple((_identity(k, left), _identity(v, left)) for k, v in parts)
        case Partial(callee=callee, positional=positional, keywords=keywords):
            return kind, *(_identity(part, left) for part in (callee, positional, keywords))
    raise NotFixed


@immutable
class Read:
    """A name that was looked up somewhere, and what it stood for."""

    owner: Owner
    name: str
    value: Value
    identity: Hashable

    def holds(self, machine: "Machine") -> bool:
        """Whether the name stands for the same now."""
        now = self._look_up(machine)
        if now is self.value and (type(now) in FIXED or isinstance(now, Function)):
            return True
        try:
            return identity(now) == self.identity
        except NotFixed:
            return False

    def _look_up(self, machine: "Machine") -> Value:
        if isinstance(self.owner, dict):
            return self.owner.get(self.name, MISSING)
        if isinstance(self.owner, Class):
            return self.owner.find(self.name)
        return self.owner.lookup(machine, self.name)


@dataclass(slots=True)
class Reads:
    """What was read from outside since ``start``, and the tests that were decided."""

    machine: "Machine"
    start: Snapshot
    extent: tuple[int, ...]
    entries: dict[tuple[int, str], Read] = field(default_factory=dict)
    tests: dict[Conditional, bool] = field(default_factory=dict)
    fixed: bool = True
    """Whether all that was read are values that nothing changes."""

    def note(self, owner: Owner, name: str, value: Value) -> None:
        """A name is looked up."""
        key = id(owner), name
        if not self.fixed or key in self.entries or self._is_inside(owner):
            return
        try:
            self.entries[key] = Read(owner, name, value, identity(value))
        except NotFixed:
            self.fixed = False

    def _is_inside(self, owner: Owner) -> bool:
        return isinstance(owner, dict) and self.machine.heap.is_newer(owner, self.start)

    @property
    def told(self) -> bool:
        """Whether anything was recorded meanwhile, or read that may change."""
        return not self.fixed or self.machine.journal.extent != self.extent

    def changed(self, apart: Container[int] = ()) -> bool:
        """Whether something older changed, those containers apart that have these identities."""
        return not all(key in apart for key in self.start.saved)

    def holds(self) -> bool:
        """Whether all would be read as it was."""
        return all(read.holds(self.machine) for read in self.entries.values())

    def repeat(self) -> None:
        """Let those who want to know learn of it again."""
        for node, taken in self.tests.items():
            self.machine.command_line.note_untaken(node, _no_option, taken=taken)
        for read in self.entries.values():
            self.machine.note_read(read.owner, read.name, read.value)


def _no_option(node: cst.BaseExpression) -> None:
    """Where an option decided, nothing is remembered."""


@contextmanager
def reading(machine: "Machine") -> Iterator[Reads]:
    """Learn what is read and changed meanwhile."""
    reads = Reads(machine, machine.heap.snapshot(), machine.journal.extent)
    machine.readings.append(reads)
    try:
        yield reads
    finally:
        machine.readings.pop()
        machine.heap.drop(reads.start)
