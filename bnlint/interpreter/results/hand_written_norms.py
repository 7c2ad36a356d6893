"""BatchNorm that a project writes itself: statistics of the batch, running averages, normalisation."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from bnlint.facts.types.hand_written import FunctionalNorm, HandWritten, RunningStatistic
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Class, Function, Instance
from bnlint.interpreter.core.state_writes import States, StateWrite
from bnlint.interpreter.core.tape import Op, Tape
from bnlint.interpreter.core.values import State
from bnlint.interpreter.results.bare_roots import bare_roots
from bnlint.interpreter.results.biased_variances import biased_variance
from bnlint.interpreter.results.meanings import Meaning, meanings
from bnlint.interpreter.results.own_reads import asks_mode, uses
from bnlint.interpreter.torch.norms import is_batch_norm
from bnlint.vocabulary.operations import GRADIENT_CUTS

_PLAIN = ("torch.nn.Module", ".LightningModule")
"""Base classes that have no statistics of their own."""
_SAVING = (
    "state_dict load_state_dict _save_to_state_dict _load_from_state_dict get_extra_state "
    "set_extra_state __getstate__ _save _load save load"
).split()
"""Methods by which a class may save and load what is no buffer."""


@immutable(eq=False, slots=False)
class Execution:
    """One execution of a layer's forward: its operations ``first`` to ``last``."""

    ops: Sequence[Op]
    layer: Instance
    first: int
    last: int

    @cached_property
    def reads(self) -> frozenset[State]:
        """What was kept from earlier forwards and is used."""
        return frozenset(s for op in self.ops[self.first : self.last] for s in op.states)

    @cached_property
    def meanings(self) -> Mapping[int, Meaning]:
        """What its operations make, and what they begin with."""
        return meanings(self.ops, self.first, self.last, self.layer)


Found = tuple[tuple[RunningStatistic, Execution], ...]
"""Running statistics, each with an execution that stores it."""


def hand_written(layer: Instance, states: States, tape: Tape) -> HandWritten | None:
    """What a layer is that is BatchNorm by what its forward computes."""
    writes = states.writes.get(layer, [])
    if not writes or layer.cls is None:
        return None
    found = _running_statistics(layer, layer.cls, writes, states, tape.ops)
    return _made(layer, layer.cls, found, states) if found else None


def functional_norms(layers: Sequence[Instance], states: States) -> Iterator[FunctionalNorm]:
    """The calls of ``F.batch_norm`` with statistics of layers, where it is known what they say."""
    for call in states.functional:
        owner = call.owner
        if owner not in layers or owner.cls is None or call.untold is not (call.said is None):
            continue
        yield FunctionalNorm(
            owner.cls.name,
            call.site,
            call.names,
            call.learns,
            any(uses(owner.cls, name) > 1 for name in call.names),
            call.said,
            asks_mode(owner.cls),
            is_batch_norm(owner),
        )


def _made(layer: Instance, cls: Class, found: Found, states: States) -> HandWritten:
    roots = (root for _, e in found for root in bare_roots(e.ops, e.first, e.last, e.meanings))
    init = cls.find("__init__")
    constructor = None
    if isinstance(init, Function):
        constructor = Site(init.scope.namespace.source, init.node)
    return HandWritten(
        cls.name,
        constructor,
        tuple(statistic for statistic, _ in found),
        tuple(states.gradients_asked.get(layer, ())),
        asks_mode(cls),
        any(isinstance(cls.find(name), Function) for name in _SAVING),
        tuple(dict.fromkeys(roots)),
    )


def _running_statistics(
    layer: Instance, cls: Class, writes: list[StateWrite], states: States, ops: Sequence[Op]
) -> Found:
    """The states of a layer that are running averages of what it normalises by, each once."""
    found: dict[str, tuple[RunningStatistic, Execution]] = {}
    executions: dict[int, Execution] = {}
    for write in writes:
        if write.name in found:
            continue
        execution = executions.get(write.start) or _execution(ops, write, layer)
        executions[write.start] = execution
        if _is_average(ops, execution, write, cls) and _normalises(ops, execution):
            fact = _fact(layer, cls, write, writes, execution, states, ops)
            found[write.name] = fact, execution
    return tuple(found.values())


def _execution(ops: Sequence[Op], write: StateWrite, layer: Instance) -> Execution:
    """The operations around a write that the layer's forward executes."""
    first = last = write.op
    while first > write.start and layer in ops[first - 1].modules:
        first -= 1
    while last < len(ops) and layer in ops[last].modules:
        last += 1
    return Execution(ops, layer, first, last)


def _is_average(ops: Sequence[Op], execution: Execution, write: StateWrite, cls: Class) -> bool:
    """Whether what is written consists of what was there and of a statistic of the batch."""
    state = State(cls, write.name)
    if write.in_place and ops[write.op].kind is Kind.BATCH_NORM:
        return True
    if state not in execution.reads:
        return False
    meaning = execution.meanings.get(write.op, Meaning())
    return meaning.samples is None and meaning.statistic and state in meaning.states


def _normalises(ops: Sequence[Op], execution: Execution) -> bool:
    """Whether samples are shifted by statistics, and multiplied or divided by some."""
    kinds = set(_applied(ops, execution))
    shifted, scaled = kinds & {Kind.SUB, Kind.ADD}, kinds & {Kind.MUL, Kind.DIV}
    return bool(shifted and scaled) or Kind.BATCH_NORM in kinds


def _applied(ops: Sequence[Op], execution: Execution) -> Iterator[Kind]:
    """The kinds of operations in which statistics are applied to samples."""
    for index in range(execution.first, execution.last):
        op = ops[index]
        given = [execution.meanings[source] for source in op.inputs]
        of_batch = bool(op.states) or any(meaning.is_of_batch for meaning in given)
        if of_batch and any(meaning.samples is not None for meaning in given):
            yield op.kind


def _fact(
    layer: Instance,
    cls: Class,
    write: StateWrite,
    writes: Sequence[StateWrite],
    execution: Execution,
    states: States,
    ops: Sequence[Op],
) -> RunningStatistic:
    state = State(cls, write.name)
    of_library = cls.open or not layer.library.endswith(_PLAIN)
    return RunningStatistic(
        write.name,
        tuple(states.set_up.get(state, ())),
        write.site,
        states.is_registered(state) or of_library or is_batch_norm(layer),
        write.in_place,
        _keeps_graph(write, writes, execution, state),
        _is_used_on(ops, execution, write, state),
        biased_variance(ops, write.op, execution.meanings),
    )


def _keeps_graph(
    write: StateWrite, writes: Sequence[StateWrite], execution: Execution, state: State
) -> bool:
    """Whether what a forward leaves has the graph of this batch and of all those before.

    It has not where the same forward detaches it, whatever comes before or after that.
    """
    if write.cut:
        return False
    same = [w for w in writes if w.name == write.name and w.start == write.start]
    known = [execution.meanings.get(one.op, Meaning()) for one in same]
    if any(state in meaning.states and not meaning.carried for meaning in known):
        return False
    meaning = execution.meanings.get(write.op, Meaning())
    return meaning.learnt and meaning.carried


def _is_used_on(ops: Sequence[Op], execution: Execution, write: StateWrite, state: State) -> bool:
    """Whether operations after a write, on the same path, have gradients for what was written."""
    new = {write.op}
    for index in range(write.op + 1, execution.last):
        op = ops[index]
        read = (
            op.kind is not Kind.PHI and write.in_place and state.name in {s.name for s in op.states}
        )
        if new.isdisjoint(op.inputs) and not read:
            continue
        if op.kind is Kind.PHI:
            new.add(index)
        elif op.name not in GRADIENT_CUTS and not _excludes(op.site, write.site):
            return True
    return False


def _excludes(one: Site | None, other: Site) -> bool:
    """Whether some test in the code decides that only one of two places is executed."""
    needed = {} if one is None else {c.test: c.holds for c in one.conditions}
    return any(needed.get(c.test, c.holds) is not c.holds for c in other.conditions)
