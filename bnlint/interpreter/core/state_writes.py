"""Tensors that modules keep from one forward to the next: what is recorded of them."""

from dataclasses import dataclass, field

from bnlint.facts.types.hand_written import GradientsAsked
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Class, Instance
from bnlint.interpreter.core.values import State


@immutable(eq=False)
class StateWrite:
    """A forward gives a tensor that a module keeps a new value, which the operation ``op`` makes.

    ``start`` is the first operation of the whole forward. ``in_place`` says that the tensor itself
    is changed, and not the attribute that holds it; ``cut`` that no gradient's graph goes along.
    """

    owner: Instance
    name: str
    op: int
    start: int
    site: Site
    in_place: bool = False
    cut: bool = False


@immutable(eq=False)
class FunctionalCall:
    """A call of ``F.batch_norm`` with the two running statistics ``names`` of the layer ``owner``.

    ``learns`` says that its weight is a parameter of the layer that gets gradients, ``untold`` that it
    does not say whether it trains, and ``said`` where it does.
    """

    owner: Instance
    site: Site
    names: tuple[str, ...]
    learns: bool
    untold: bool
    said: Site | None


@dataclass(slots=True)
class States:
    """What is known of the tensors that modules keep."""

    writes: dict[Instance, list[StateWrite]] = field(default_factory=dict)
    """What the forwards of modules write, in order."""
    functional: list[FunctionalCall] = field(default_factory=list)
    set_up: dict[State, set[Site]] = field(default_factory=dict)
    """What attributes are set to outside of forwards."""
    keeping: set[Class] = field(default_factory=set)
    """The classes whose modules are built with tensors of their own, which forwards may change."""
    absent: set[State] = field(default_factory=set)
    """Attributes that are None before a forward sets them."""
    registered: dict[Class, set[str | None]] = field(default_factory=dict)
    """The buffers of modules of a class; ``None`` stands for any."""
    gradients_asked: dict[Instance, list[GradientsAsked]] = field(default_factory=dict)
    """Where the forward of a module asks whether gradients are recorded."""

    noted: int = 0
    """Counts what forwards write, call and ask."""

    def is_registered(self, state: State) -> bool:
        """Whether it is, or may be, a buffer."""
        names = self.registered.get(state.cls, set())
        return state.name in names or None in names

    def has_begun(self, owner: Instance) -> bool:
        """Whether a forward of a module has set what was not there before."""
        writes = self.writes.get(owner, ())
        return any(
            State(write.owner.cls, write.name) in self.absent for write in writes if write.owner.cls
        )

    def note(self, write: StateWrite) -> None:
        """A forward writes something."""
        self.noted += 1
        self.writes.setdefault(write.owner, []).append(write)

    def note_functional(self, call: FunctionalCall) -> None:
        """A forward calls ``F.batch_norm``."""
        self.noted += 1
        self.functional.append(call)

    def note_asked(self, layer: Instance, asked: GradientsAsked) -> None:
        """A layer's forward asks whether gradients are recorded."""
        self.noted += 1
        self.gradients_asked.setdefault(layer, []).append(asked)
