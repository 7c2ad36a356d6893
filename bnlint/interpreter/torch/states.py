"""Tensors that modules keep from one forward to the next: set, registered and changed."""

from collections.abc import Sequence
from dataclasses import replace

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.state_writes import FunctionalCall, StateWrite
from bnlint.interpreter.core.values import MISSING, Arguments, State, Tensor, Value
from bnlint.interpreter.torch.parameters import GRADIENT


def keep(m: Machine, owner: Instance, name: str, value: Value, site: Site) -> Value:
    """A value as an attribute of a module, which remembers what it is kept as."""
    if owner.cls is None:
        return value
    state = State(owner.cls, name)
    if owner not in m.modules:
        m.journal.states.set_up.setdefault(state, set()).add(site)
        if isinstance(value, Tensor):
            m.journal.states.keeping.add(owner.cls)
        if value is None:
            m.journal.states.absent.add(state)
    elif isinstance(value, Tensor) and value.index >= 0:
        write = StateWrite(owner, name, value.index, m.tape.start.op, site)
        m.journal.states.note(write)
    return replace(value, state=state) if isinstance(value, Tensor) else value


def register(m: Machine, owner: Instance, name: Value, value: Value) -> Value:
    """A value as a buffer of a module."""
    if owner.cls is None:
        return value
    known = name if isinstance(name, str) else None
    m.journal.states.registered.setdefault(owner.cls, set()).add(known)
    m.journal.states.keeping.add(owner.cls)
    if known is None or not isinstance(value, Tensor):
        return value
    return replace(value, state=State(owner.cls, known))


def inherited(layer: Instance, name: str) -> Tensor | None:
    """A running statistic that a forward of the project's finds in a BatchNorm layer of torch's."""
    tracks = layer.arguments.get("track_running_stats")
    if layer.cls is None or name not in ("running_mean", "running_var"):
        return None
    return Tensor(state=State(layer.cls, name)) if tracks and tracks.value is not False else None


def cut(tensor: Tensor, source: Tensor) -> Tensor:
    """A tensor that shares the memory of another one, but not its gradient's graph."""
    state = source.state
    return replace(tensor, state=None if state is None else replace(state, cut=True))


def changed_in_place(m: Machine, made: Tensor, old: Tensor, site: Site) -> Tensor:
    """What a method makes of a tensor in place, where it belongs to a module whose forward runs."""
    state = old.state
    owner = None if state is None else _owner(m, state)
    if state is None or owner is None or made.index < 0:
        return made
    write = StateWrite(owner, state.name, made.index, m.tape.start.op, site, True, state.cut)
    m.journal.states.note(write)
    return replace(made, state=state)


def _owner(m: Machine, state: State) -> Instance | None:
    """The innermost module of those whose forwards are being executed that keeps it."""
    return next((module for module in reversed(m.modules) if module.cls is state.cls), None)


def note_functional(m: Machine, arguments: Arguments, made: Tensor, site: Site) -> None:
    """``F.batch_norm``, which moves the running statistics that it is given if it is told to train."""
    given = [
        arguments.get(place, name) for place, name in ((1, "running_mean"), (2, "running_var"))
    ]
    kept = [g for g in given if isinstance(g, Tensor) and g.state is not None]
    training = arguments.get(5, "training", MISSING)
    if training not in (False, None, MISSING) or arguments.opened:
        for tensor in kept:
            assert tensor.state is not None
            changed_in_place(m, made, replace(tensor, state=replace(tensor.state, cut=True)), site)
    owners = [_owner(m, tensor.state) for tensor in kept if tensor.state is not None]
    whole = all(tensor.index < m.tape.start.op for tensor in kept)
    if len(owners) == 2 and owners[0] is not None and whole and not arguments.opened:
        _note_call(m, owners[0], kept, arguments, site)


def _note_call(
    m: Machine, owner: Instance, kept: Sequence[Tensor], arguments: Arguments, site: Site
) -> None:
    """Remember a call with the running statistics of a layer and with what it says of the mode."""
    weight = arguments.get(3, "weight")
    learns = isinstance(weight, Instance) and weight.attributes.get(GRADIENT) is True
    node = arguments.keyword_nodes.get("training")
    if node is None and len(arguments.nodes) > 5:
        node = arguments.nodes[5]
    said = None if node is None else Site(site.source, node)
    names = tuple(tensor.state.name for tensor in kept if tensor.state is not None)
    owned = learns and any(value is weight for value in owner.attributes.values())
    untold = arguments.get(5, "training", MISSING) is MISSING
    made = FunctionalCall(owner, site, names, owned, untold, said)
    m.journal.states.note_functional(made)
