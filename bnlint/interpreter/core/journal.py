"""What happened: events in order, and the forwards that later events say more about."""

from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnlint.diagnostics import describe
from bnlint.facts.types.context import Assumption, cover_all_paths
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.rehearsal import RehearsalFailure
from bnlint.facts.types.run import Alternative, Event, Mode
from bnlint.facts.types.site import Argument, Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.bias_reads import BiasReads
from bnlint.interpreter.core.number_uses import NumberUses
from bnlint.interpreter.core.objects import Class, Instance
from bnlint.interpreter.core.state_writes import States
from bnlint.interpreter.core.values import Gradients, Tensor, Value
from bnlint.vocabulary.operations import LOSSES

if TYPE_CHECKING:
    from bnlint.interpreter.results.facts_maker import FactsMaker


MOST_BACKWARDS = 16
"""Backwards through one forward of which it is asked whether they cover all paths."""


@dataclass(slots=True)
class NormRecord:
    """A BatchNorm layer's state at the time of a forward."""

    name: str
    instance: Instance
    mode: Mode
    frozen: Known
    frozen_at: Site | None
    tracks: Known
    synchronised: Known
    certain: bool
    converted_at: Site | None = None
    alternative: Alternative | None = None
    lowered_at: Site | None = None
    also: tuple[str, ...] = ()


@dataclass(slots=True)
class Named:
    """A module of a model with its dotted names: the first, and those that it certainly has, too.

    ``certain`` says that it is part of the model on every path, ``alternative`` that it certainly is
    where the model has that module, and not another one, in the same place.
    """

    module: Instance
    name: str
    aliases: list[str]
    certain: bool
    alternative: "Slot | None" = None


@immutable
class Slot:
    """A place in a model that one of several modules takes, and the one that does."""

    fact: Alternative
    module: Instance


@dataclass(slots=True, eq=False)
class ModelRecord:
    """A model at the time of an event, and how the code calls it there."""

    module: Instance
    name: str
    has_batchnorm: Known
    norms: list[Named]
    structure: int
    """The state of the heap, up to which no module got or lost a part, that it was last seen in."""


@dataclass(slots=True, eq=False)
class ForwardRecord:
    """A call of a model by the script; the answers change as the rehearsal goes on."""

    number: int
    model: ModelRecord
    site: Site
    mode: Mode
    norms: list[NormRecord]
    grad: Known
    inputs: list[Tensor]
    devices: Known
    inner: bool
    receiver: str = ""
    keeping: Sequence[NormRecord] = ()
    """Layers of the project's own that keep tensors, of which some may turn out to be BatchNorm."""
    assumptions: tuple[Assumption, ...] = ()
    backwards: list[frozenset[Assumption]] = field(default_factory=list)
    """What the backwards that reach it assume beyond what the forward does."""
    may_be_trained: bool = False
    measured: Known = Known.NO
    device_count: int | None = None
    in_loss: bool = False
    slopes_at: Site | None = None
    attacked_at: Site | None = None
    constants: tuple[str, ...] = ()
    supervised: bool = False
    taught: bool = False
    criterion: str = ""
    answer: float | None = None
    weighed: bool = False
    """Whether a layer with weights that is no model by itself gets its output."""

    @property
    def backpropagated(self) -> Known:
        """Whether a backward runs through it on every path on which it happens."""
        if len(self.backwards) <= MOST_BACKWARDS and cover_all_paths(self.backwards):
            return Known.YES
        return Known.UNKNOWN if self.backwards or self.may_be_trained else Known.NO

    @property
    def made_up(self) -> Known:
        """Whether all inputs are random numbers or constants."""
        if self.inputs and all(tensor.made_up for tensor in self.inputs):
            return Known.YES
        return Known.NO if any(t.loaders for t in self.inputs) else Known.UNKNOWN

    @property
    def batch(self) -> Argument | None:
        """The batch size of the first input."""
        return self.inputs[0].batch if self.inputs else None

    @property
    def samples(self) -> int | None:
        """The size of dimension 0 of the first input, where the script makes it up."""
        return self.inputs[0].shape.batch if self.made_up is Known.YES else None


MakeEvent = Callable[["FactsMaker", int], Event]


@dataclass(slots=True)
class Note:
    """An event that is not converted yet."""

    order: int
    make: MakeEvent


@dataclass(slots=True, eq=False)
class Recorded:
    """The part of the tape that one forward of a model wrote."""

    start: int
    end: int
    outputs: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Journal:
    """The records of all entry points."""

    numbers: NumberUses
    biases: BiasReads
    notes: list[Note] = field(default_factory=list)
    forwards: list[ForwardRecord] = field(default_factory=list)
    built: list[Instance] = field(default_factory=list)
    unfinished: set[Instance] = field(default_factory=set)
    """Objects whose constructor has not come to its end: nothing shows what they would be like."""
    interrupted: set[Instance] = field(default_factory=set)
    """Modules whose mode was set by code that has not come to its end."""
    graphs: dict[Instance, Recorded] = field(default_factory=dict)
    problems: dict[Instance, list[str]] = field(default_factory=dict)
    loaders: dict[Instance, Loader] = field(default_factory=dict)
    loaders_built: list[Instance] = field(default_factory=list)
    held_out: dict[tuple[str, Site], Instance] = field(default_factory=dict)
    """What stands for the loaders of data that have none, by their names."""
    converted: dict[Instance, Site] = field(default_factory=dict)
    """BatchNorm layers of which others were made that are synchronised, and where."""
    passed_over: dict[Instance, Site] = field(default_factory=dict)
    """BatchNorm layers that a test for other classes of BatchNorm spares from eval mode, and these classes."""
    recomputed: dict[Site, set[Instance]] = field(default_factory=dict)
    """Calls whose forward is run again in the backward pass, with the modules in them that are not."""
    lowered: dict[Instance, Site] = field(default_factory=dict)
    """Where the numbers of BatchNorm layers last got another precision."""
    overwritten: set[Instance] = field(default_factory=set)
    """Modules whose parameters the program also sets by hand: averages, copies."""
    averages: set[Instance] = field(default_factory=set)
    """Models whose weights are averages, kept by torch's class for that."""
    optimizers: int = 0
    """How many optimizers are built whose arguments are known."""
    optimized: set[Instance] = field(default_factory=set)
    """Modules whose parameters optimizers get, or functions that may build some."""
    optimizes_unknown: bool = False
    """Whether an optimizer gets parameters of which it is not known whose they are."""
    handed_over: set[Instance] = field(default_factory=set)
    """Modules that code which is not known gets, and whose mode is not known since."""
    copies: dict[Instance, Instance] = field(default_factory=dict)
    """Modules that are copies, and what of."""
    buffers_used: set[Instance] = field(default_factory=set)
    """Modules whose buffers the program asks for: it may copy running statistics."""
    states: States = field(default_factory=States)
    """Tensors that modules keep."""
    failures: list[RehearsalFailure] = field(default_factory=list)
    published: set[Instance] = field(default_factory=set)
    """Models that the program loads published weights into."""
    loaded: set[Instance] = field(default_factory=set)
    """Models that the program loads weights into, other than those of a model at hand."""
    plain_containers: dict[tuple[Class, str], set[Site]] = field(default_factory=dict)
    """The lists, tuples and dicts that attributes of modules are set to, class by class."""
    make_loader: Callable[[Instance], Loader] | None = None
    order: int = 0
    run_start: int = 0
    """The order of the first event of the entry point being rehearsed."""
    in_script: bool = False
    """Whether what is being rehearsed is a script, not code that nothing calls."""
    activity: int = 0
    """Counts what only scripts do: forwards, backwards, steps of optimizers and loaders."""
    effects: int = 0
    """Counts changes to modules."""
    modes_asked: dict[Instance, None] = field(default_factory=dict)
    """The modules whose modes something asked for since somebody began to look."""
    served: list[tuple[Value, Site]] = field(default_factory=list)
    """The functions that a web service of this script calls for a request, and where it is told so."""
    unknown_models: int = 0
    """Counts uses of models, and of layers in models, that are not known."""
    last_loss: list[Tensor] = field(default_factory=list)
    """What the last backward began with."""

    @property
    def extent(self) -> tuple[int, ...]:
        """How much is recorded: all counts that only something that happens can change."""
        records: tuple[Sized, ...] = (
            self.notes,
            self.forwards,
            self.graphs,
            self.problems,
            self.loaders_built,
            self.overwritten,
            self.optimized,
            self.copies,
            self.buffers_used,
            self.failures,
            self.published,
            self.loaded,
        )
        return (self.activity, self.optimizers, *map(len, records))

    @property
    def happened(self) -> int:
        """Counts events, models that were built, and changes to modules."""
        return len(self.notes) + len(self.built) + self.effects

    def next_order(self) -> int:
        """The number of the next event."""
        self.order += 1
        return self.order

    def note(self, make: MakeEvent) -> None:
        """Record an event."""
        self.notes.append(Note(self.next_order(), make))

    @contextmanager
    def surviving(self, entry: str, site: Site) -> Iterator[None]:
        """Whatever is raised inside costs only what is inside, and is remembered."""
        try:
            yield
        except Exception as error:
            self.failures.append(RehearsalFailure(entry, site, describe(error)))

    def loader_fact(self, loader: Instance | None) -> Loader | None:
        """A loader as rules see it; one fact per loader."""
        if loader is None or self.make_loader is None:
            return None
        if loader not in self.loaders:
            self.loaders[loader] = self.make_loader(loader)
        return self.loaders[loader]

    def backpropagate(
        self, tensors: list[Tensor], assumptions: Sequence[Assumption]
    ) -> list[ForwardRecord]:
        """A backward runs through ``tensors``; returns the forwards that it reaches."""
        self.last_loss = tensors
        grads = Gradients.of_all([t.grads for t in tensors])
        for number in frozenset[int]().union(*(t.depends for t in tensors)):
            self.forwards[number].in_loss = True
        for number in grads.maybe:
            self.forwards[number].may_be_trained = True
        reached = [self.forwards[number] for number in sorted(grads.sure)]
        for record in reached:
            extra = frozenset(assumptions) - frozenset(record.assumptions)
            if extra not in record.backwards:
                record.backwards.append(extra)
        return reached

    def note_slopes(self, outputs: list[Tensor], inputs: list[Tensor], site: Site) -> None:
        """Gradients of ``outputs`` with respect to ``inputs`` are computed, to be trained on."""
        for record in self._between(outputs, inputs):
            record.slopes_at = record.slopes_at or site

    def note_attack(self, outputs: list[Tensor], inputs: list[Tensor], site: Site) -> None:
        """Gradients of ``outputs`` with respect to ``inputs`` are computed, and nothing is trained on them."""
        for record in self._between(outputs, inputs):
            record.attacked_at = record.attacked_at or site

    def note_gradient_read(self, tensor: Tensor, site: Site) -> None:
        """``tensor.grad`` is asked for, of what is no parameter: the last backward was an attack on it."""
        self.note_attack(self.last_loss, [tensor], site)

    def _between(self, outputs: list[Tensor], inputs: list[Tensor]) -> list[ForwardRecord]:
        """The forwards that gradients from ``outputs`` to ``inputs`` go through."""
        before = frozenset[int]().union(*(t.depends for t in inputs))
        numbers = Gradients.of_all([t.grads for t in outputs]).sure - before
        return [self.forwards[number] for number in sorted(numbers)]

    def note_joined(self, tensors: list[Tensor], operation: str = "") -> None:
        """An operation of the script joins ``tensors``: an output with labels or with another output, perhaps."""
        if operation in LOSSES:
            self._note_answer(tensors)
        data = {t.loaders for t in tensors if not t.depends} - {frozenset()}
        compared = [t for t in tensors if t.depends and t.loaders in data]
        for number in {n for t in compared for n in t.depends}:
            self.forwards[number].supervised = True
        if compared and operation in LOSSES:
            last = self.forwards[max(compared[0].depends)]
            before = frozenset({last.number}).union(*(t.depends for t in last.inputs))
            if compared[0].depends <= before and not last.weighed:
                last.criterion = operation
        outputs = [
            *{(t.loaders, t.depends): t for t in tensors if t.depends and t.loaders}.values()
        ]
        match outputs:
            case [one, other] if one.loaders == other.loaders:
                apart = self._models(one).isdisjoint(self._models(other))
                for number in one.depends | other.depends if apart else ():
                    self.forwards[number].taught = True

    def _note_answer(self, tensors: list[Tensor]) -> None:
        """A loss compares an output with one number that is the answer to all of its samples, perhaps."""
        answers = {t.fill for t in tensors if t.fill is not None and not t.loaders}
        outputs = [t for t in tensors if t.depends and t.fill is None]
        if len(answers) != 1 or len(outputs) != 1:
            return
        last = self.forwards[max(outputs[0].depends)]
        alone = outputs[0].depends == {last.number}
        if alone and not any(t.drawn for t in last.inputs):
            last.answer = answers.pop()

    def note_weighed(self, tensors: list[Tensor]) -> None:
        """The script gives ``tensors`` to a layer with weights that is no model by itself."""
        for number in {n for t in tensors for n in t.depends}:
            self.forwards[number].weighed = True

    def _models(self, tensor: Tensor) -> set[Instance]:
        """The models whose forwards a tensor comes from."""
        return {self.forwards[number].model.module for number in tensor.depends}

    def may_backpropagate(self, tensors: list[Tensor]) -> None:
        """A backward may run through ``tensors``, or none."""
        grads = Gradients.of_all([t.grads for t in tensors])
        for number in grads.sure | grads.maybe:
            self.forwards[number].may_be_trained = True

    def measure(self, tensors: list[Tensor]) -> None:
        """The values of ``tensors`` become predictions or metrics."""
        for number in frozenset[int]().union(*(t.depends for t in tensors)):
            self.forwards[number].measured = Known.YES
