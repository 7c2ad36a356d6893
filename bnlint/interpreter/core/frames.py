"""Functions and loops that are being executed, and how paths through them end."""

from dataclasses import dataclass, field
from enum import Enum

import libcst as cst

from bnlint.facts.types.context import Assumption
from bnlint.facts.types.context import Frame as FrameFact
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.heap import Heap, Snapshot
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Value

CALLERS = 12
"""Calls that led to an operation that are remembered."""
CHAIN = 6
"""Calls that led to a constructor call that are remembered."""


class End(Enum):
    """How a statement ends other than by going on to the next."""

    RETURN = "return"
    BREAK = "break"
    CONTINUE = "continue"
    RAISE = "raise"


@dataclass(slots=True, unsafe_hash=True)
class Completion:
    """The end of a path through a block."""

    end: End
    value: Value = None


BREAK = Completion(End.BREAK)
CONTINUE = Completion(End.CONTINUE)
RAISE = Completion(End.RAISE)


@dataclass(slots=True)
class Exit:
    """A path that left the block being executed, and the state it left with."""

    completion: Completion
    state: Snapshot
    stayed: Assumption
    """What holds on the paths that did not leave with it."""


@dataclass(slots=True, eq=False)
class ActiveLoop:
    """A loop that is being executed."""

    node: cst.CSTNode
    site: Site
    number: int = 1
    loader: Instance | None = None
    scope: Scope | None = None
    """Where what it iterates is looked up."""
    abstract: bool = False
    """Whether its passes stand for all."""
    since: int = 0
    """The order of events at its start: what is older was there before."""
    passes: int | None = None
    """How many passes it has, where that is known."""
    item: Value = None
    """What it iterates gives in the present pass."""
    before: Snapshot | None = None
    """How everything was when the pass that is executed began, if passes stand for all."""
    grown: dict[Instance, None] = field(default_factory=dict)
    """The containers of modules that got items in it, and are older."""


@dataclass(slots=True)
class Activation:
    """A function that is being executed; ``abstract`` counts its loops that stand for many passes."""

    function: str
    call: Site | None
    definition: Site | None
    exits: list[Exit] = field(default_factory=list)
    abstract: int = 0
    fact: FrameFact | None = None
    called_from: tuple[Site, ...] | None = None
    built_from: tuple[Site, ...] | None = None
    conditions: int = 0
    """How many conditions that are not known decide whether it is called."""
    loops: int = 0
    """How many loops are around its call."""
    blind: bool = False
    """Whether all its arguments are unknown."""
    since: tuple[int, int] = (0, 0)
    """How many steps were made, and how many things had happened, when it was called."""

    def callers(self, frames: "list[Activation]") -> tuple[Site, ...]:
        """The calls that led here, nearest first."""
        if self.called_from is None:
            self.called_from = calls(frames[-CALLERS:])
        return self.called_from

    def chain(self, frames: "list[Activation]") -> tuple[Site, ...]:
        """The calls that led to a constructor call here, nearest first."""
        if self.built_from is None:
            self.built_from = calls(frames[-CHAIN:])
        return self.built_from

    def as_fact(self) -> FrameFact:
        """The frame as rules see it."""
        if self.fact is None:
            self.fact = FrameFact(self.function, self.call, self.definition, self.loops)
        return self.fact


def calls(frames: list[Activation]) -> tuple[Site, ...]:
    """The calls that entered some functions, nearest first."""
    return tuple(frame.call for frame in reversed(frames) if frame.call is not None)


@immutable
class Place:
    """Where a rehearsal stands: what those keep who execute something elsewhere and come back."""

    heap: Heap
    registers: dict[str, Value]
    frames: list[Activation]
    loops: list[ActiveLoop]
    modules: list[Instance]
    building: int
    path: tuple[Assumption, ...]
    outermost: int
