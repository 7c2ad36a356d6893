"""What all trainers of frameworks do: draw batches, call the model, learn from its loss."""

from collections.abc import Iterator
from contextlib import contextmanager

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.frames import ActiveLoop
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.data_loading.data import LOADER, loader_batches
from bnlint.interpreter.python.loops import note_iteration
from bnlint.interpreter.torch.modules import MODE, descendants
from bnlint.interpreter.torch.script_forwards import call_module
from bnlint.interpreter.torch.training import note_backward, note_step

PASSES = 2
"""How often training and validation take turns: what the first leaves behind, the second meets."""


@contextmanager
def drawn(m: Machine, loader: Value, number: int, site: Site, scope: Scope) -> Iterator[Value]:
    """A batch of a loader, in a pass of the trainer's loop over it."""
    known = loader if isinstance(loader, Instance) and loader.library == LOADER else None
    with in_pass(m, number, site, known):
        if known is not None:
            note_iteration(m, known, site.node, scope)  # type: ignore[arg-type]
        yield Unknown("batch") if known is None else loader_batches(m, known).element


@contextmanager
def in_pass(m: Machine, number: int, site: Site, loader: Instance | None = None) -> Iterator[None]:
    """Within a pass of a trainer's loop, over a loader or over epochs."""
    depth = len(m.loops)
    m.loops.append(ActiveLoop(site.node, site, number, loader))  # type: ignore[arg-type]
    try:
        yield
    finally:
        del m.loops[depth:]


def predict(m: Machine, model: Value, batch: Value, site: Site) -> Value:
    """What a model makes of a batch, or of its first part."""
    if not isinstance(model, Instance) or not model.is_module:
        return Unknown("prediction")
    inputs: list[Value] = [*tensors_in([batch])[:1]]
    return call_module(m, model, Arguments(inputs or [Unknown("batch")]), site)


def learn(m: Machine, loss: Value, site: Site) -> None:
    """A backward through a loss, and a step."""
    if losses := tensors_in([loss]):
        note_backward(m, losses, site)
    note_step(m, site)


@contextmanager
def without_gradients(m: Machine) -> Iterator[None]:
    """As under ``torch.no_grad()``."""
    grad = m.grad
    with m.gradients_given_back():
        m.grad = Known.NO
        yield
        m.grad = grad


@contextmanager
def modes_given_back(m: Machine, model: Instance) -> Iterator[None]:
    """Leave a model and its parts in the modes that they were found in."""
    modes = [(part, part.attributes.get(MODE)) for _, part in descendants(m, model)]
    yield
    for part, mode in modes:
        m.heap.put(part.attributes, MODE, mode)


def evaluate(m: Machine, model: Value, batch: Value, site: Site) -> Value:
    """Predict a batch without gradients, for a metric."""
    with without_gradients(m):
        output = predict(m, model, batch, site)
        m.journal.measure(tensors_in([output]))
    return output
