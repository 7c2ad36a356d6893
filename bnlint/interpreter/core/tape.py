"""The operations that forwards execute, recorded as they happen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Argument, Site
from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import (
    UNKNOWN_SHAPE,
    Choice,
    Gradients,
    Many,
    Maybe,
    State,
    Tensor,
    Value,
)

if TYPE_CHECKING:
    from bnlint.interpreter.core.machine import Machine


@dataclass(slots=True, eq=False)
class Op:
    """One operation; the fields are those of ``facts.graph.Call``, not yet converted."""

    kind: Kind
    name: str
    inputs: tuple[int, ...]
    layer: Instance | None
    site: Site | None
    constants: dict[str, Value]
    modules: tuple[Instance, ...]
    callers: tuple[Site, ...]
    loops: tuple[tuple[Site, int], ...]
    certain: bool
    shape: Shape = field(default_factory=Shape)
    states: tuple[State, ...] = ()
    """What modules keep from earlier forwards and is among its inputs."""
    grad: bool = True
    """Whether gradients are recorded."""
    in_eval: bool = False


@dataclass(slots=True, unsafe_hash=True)
class Start:
    """Where a forward began: on the tape, in the machine's stacks, and among the run's events."""

    op: int = 0
    loops: int = 0
    conditions: int = 0
    frames: int = 0
    order: int = -1


class Tape:
    """All operations of a rehearsal, in order; forwards are slices of it."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.machine: Machine | None = None
        self.joined: dict[tuple[int, int], Value] = {}
        """While containers are being joined: those within them that are joined already."""
        self.start = Start()
        """Where the forward that is being recorded began."""

    @property
    def recording(self) -> bool:
        """Whether a forward is being executed."""
        return self.machine is not None and bool(self.machine.modules)

    def emit(
        self,
        kind: Kind,
        name: str,
        inputs: list[Tensor],
        site: Site | None,
        *,
        layer: Instance | None = None,
        constants: dict[str, Value] | None = None,
        shape: Shape | None = None,
    ) -> int:
        """Record an operation and return its index, or -1 outside forwards."""
        machine = self.machine
        if machine is None or not machine.modules:
            return -1
        start = self.start
        sources = tuple(t.index for t in inputs if t.index >= start.op)
        loops: tuple[tuple[Site, int], ...] = ()
        if len(machine.loops) > start.loops:
            loops = tuple((x.site, x.number) for x in machine.loops[start.loops :])
        self.ops.append(
            Op(
                kind,
                name,
                sources,
                layer,
                site,
                constants or {},
                tuple(machine.modules),
                machine.frame.callers(machine.frames),
                loops,
                len(machine.path) == start.conditions
                and not any(frame.exits for frame in machine.frames[start.frames :]),
                shape or UNKNOWN_SHAPE,
                tuple(t.state for t in inputs if t.state is not None and t.index < start.op),
                machine.grad is Known.YES,
            )
        )
        return len(self.ops) - 1

    def tensor(
        self,
        kind: Kind,
        name: str,
        inputs: list[Tensor],
        site: Site | None,
        *,
        layer: Instance | None = None,
        constants: dict[str, Value] | None = None,
        shape: Shape | None = None,
        batch: bool = False,
    ) -> Tensor:
        """Record an operation and return its output, which comes from all that its inputs do.

        ``batch`` says that the output still holds one sample per sample of the first input that is a
        batch; of what is multiplied by a weight, the very first.
        """
        index = self.emit(kind, name, inputs, site, layer=layer, constants=constants, shape=shape)
        if index < 0 and kind in _WEIGHING and self.machine is not None:
            self.machine.journal.note_weighed(inputs)
        if len(inputs) == 1:
            made = _of_one_input(index, shape, inputs[0], batch, _keeps_order(kind, name))
            return _as_it_was(made, kind, inputs[0])
        if index < 0 and self.machine is not None and kind is not Kind.ADD:
            self.machine.journal.note_joined(inputs, name)
        batches = (t.batch for t in (inputs[:1] if kind in WEIGHTED else inputs))
        return Tensor(
            index,
            shape or UNKNOWN_SHAPE,
            _union([t.depends for t in inputs]),
            Gradients.of_all([t.grads for t in inputs]),
            _union([t.loaders for t in inputs]),
            next((size for size in batches if size is not None), None) if batch else None,
            made_up=bool(inputs) and all(t.made_up for t in inputs),
            drawn=bool(inputs) and _keeps_order(kind, name) and all(t.drawn for t in inputs),
            single=any(t.single for t in inputs),
            mixed=any(t.mixed for t in inputs),
        )

    def phi(self, *tensors: Tensor) -> Tensor:
        """A tensor that is one of several, or sometimes none at all."""
        first = tensors[0]
        if len(tensors) == 2 and first.index == tensors[1].index and first.index >= 0:
            return first
        shapes = {t.shape for t in tensors}
        shape = first.shape if len(shapes) == 1 else Shape()
        made = self.tensor(Kind.PHI, "phi", list(tensors), None, shape=shape)
        grads = self._of_one([t.grads for t in tensors])
        batches = [t.batch for t in tensors if t.batch is not None]
        same = all(_are_as_many(t.batch, first.batch) for t in tensors)
        return Tensor(
            made.index,
            shape,
            made.depends,
            grads,
            made.loaders,
            min(batches, key=_place) if batches and same else None,
            first.whole,
            made_up=all(t.made_up for t in tensors),
            drawn=all(t.drawn for t in tensors),
            state=first.state if all(t.state == first.state for t in tensors) else None,
        )

    def _of_one(self, parts: list[Gradients]) -> Gradients:
        """The forwards that a backward reaches through one of several tensors, or through none.

        Those that were made whatever the condition was may be the other path's.
        """
        both = parts[0].sure & parts[1].sure if len(parts) > 1 else frozenset[int]()
        every = Gradients.of_all(parts)
        outside = {number for number in every.sure - both if self._is_before(number)}
        return Gradients(every.sure - outside, every.maybe | outside)

    def _is_before(self, number: int) -> bool:
        """Whether a forward was made on the present path, whichever of the paths joined was taken."""
        machine = self.machine
        assert machine is not None
        around = set(machine.assumptions())
        return set(machine.journal.forwards[number].assumptions) <= around


_WEIGHING = WEIGHTED | {Kind.MATMUL, Kind.RECURRENT}
"""What makes something else of the outputs of a model."""


def _of_one_input(
    index: int, shape: Shape | None, given: Tensor, batch: bool, keeps_order: bool
) -> Tensor:
    """The output of an operation on one tensor, which comes from all that this one does."""
    return Tensor(
        index,
        shape or UNKNOWN_SHAPE,
        given.depends,
        given.grads,
        given.loaders,
        given.batch if batch else None,
        made_up=given.made_up,
        drawn=given.drawn and keeps_order,
        single=given.single,
        mixed=given.mixed,
    )


def _as_it_was(made: Tensor, kind: Kind, given: Tensor) -> Tensor:
    """With what holds of a tensor that is copied to a device or turned, too."""
    if kind is Kind.PASS:
        return replace(made, fill=given.fill, padded=given.padded)
    return replace(made, padded=given.padded) if given.padded and kind is Kind.PERMUTE else made


ORDERING = frozenset("sort msort argsort topk unique cumsum cumprod".split())
"""Functions after which the order says something again."""


def _keeps_order(kind: Kind, name: str) -> bool:
    """Whether the samples of an operation's output stand where those of its input stood."""
    return kind not in (Kind.CAT, Kind.UNKNOWN, Kind.PHI) and name not in ORDERING


def _are_as_many(one: Argument | None, other: Argument | None) -> bool:
    """Whether two batches have one size, wherever that is written."""
    if one is None or other is None:
        return one is other
    return one == other or (one.number is not None and one.number == other.number)


def _place(batch: Argument) -> tuple[str, int]:
    return ("", 0) if batch.site is None else (batch.site.path, batch.site.span.start)


def _union(sets: list[frozenset]) -> frozenset:  # type: ignore[type-arg]
    if not sets:
        return frozenset()
    first = sets[0]
    return first if all(s == first for s in sets[1:]) else frozenset().union(*sets)


def tensors_in(values: Sequence[Value], depth: int = 3) -> list[Tensor]:
    """The tensors among values and, a few levels deep, in their containers and in answers of forwards."""
    found: list[Tensor] = []
    _gather(values, depth, found, set())
    return found


def _alternatives(value: Many | Maybe | Choice) -> Sequence[Value]:
    """What a value stands for that is one of several, or several."""
    match value:
        case Many(element=element):
            return (element,)
        case Maybe(value=inner):
            return (inner,)
        case Choice(values=values):
            return values


def _held(value: Value) -> list[Value] | tuple[Value, ...] | Mapping[str, Value] | None:
    """The container that a value is, or in which an answer of a forward holds its parts."""
    match value:
        case list() | tuple() | dict():
            return value
        case Instance(is_answer=True):
            return value.attributes
    return None


def _gather(
    values: Iterable[Value], depth: int, found: list[Tensor], barren: set[tuple[int, int]]
) -> None:
    """Collect tensors; ``barren`` are containers, at their depths, that hold none."""
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, Many | Maybe | Choice) and depth:
            _gather(_alternatives(value), depth - 1, found, barren)
        elif (held := _held(value)) is not None and depth and len(found) < MOST_LOOKED_AT:
            key = id(held), depth
            if key in barren:
                continue
            before = len(found)
            items = held.values() if isinstance(held, Mapping) else held
            _gather(islice(items, MOST_LOOKED_AT), depth - 1, found, barren)
            if len(found) == before:
                barren.add(key)
