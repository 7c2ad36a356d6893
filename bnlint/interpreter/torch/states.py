"""Tensors that modules keep from one forward to the next: set, registered and changed."""

from dataclasses import replace

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.states import StateWrite
from bnlint.interpreter.core.values import Arguments, State, Tensor, Value


def keep(m: Machine, owner: Instance, name: str, value: Value, site: Site) -> Value:
    """A value as an attribute of a module, which remembers what it is kept as."""
    if owner.cls is None:
        return value
    state = State(owner.cls, name)
    if owner not in m.modules:
        m.journal.states.set_up.setdefault(state, set()).add(site)
    elif isinstance(value, Tensor) and value.index >= 0:
        write = StateWrite(owner, name, value.index, m.tape.start.op, site)
        m.journal.states.writes.append(write)
    return replace(value, state=state) if isinstance(value, Tensor) else value


def register(m: Machine, owner: Instance, name: Value, value: Value) -> Value:
    """A value as a buffer of a module."""
    if owner.cls is None:
        return value
    known = name if isinstance(name, str) else None
    m.journal.states.registered.setdefault(owner.cls, set()).add(known)
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
    m.journal.states.writes.append(write)
    return replace(made, state=state)


def _owner(m: Machine, state: State) -> Instance | None:
    """The innermost module of those whose forwards are being executed that keeps it."""
    return next((module for module in reversed(m.modules) if module.cls is state.cls), None)


def note_running_statistics(
    m: Machine, arguments: Arguments, training: Value, made: Tensor, site: Site
) -> None:
    """``F.batch_norm`` moves the running statistics that it is given, if it is told to train."""
    if training is False or training is None:
        return
    for position, name in ((1, "running_mean"), (2, "running_var")):
        given = arguments.get(position, name)
        if isinstance(given, Tensor) and given.state is not None:
            changed_in_place(m, made, replace(given, state=replace(given.state, cut=True)), site)
