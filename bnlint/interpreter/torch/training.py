"""What scripts do to train: backward passes and optimizer steps."""

from bnlint.facts.types.run import Backward, OptimizerStep
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import BuffersAsked, HandedOver, WeightsLoaded
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Library, Tensor, Value
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import descendants


def note_backward(m: Machine, tensors: list[Tensor], site: Site) -> None:
    """Record that gradients are computed through ``tensors``."""
    m.note_activity()
    reached = m.journal.backpropagate(tensors, m.assumptions())
    context = m.context()
    m.journal.note(
        lambda facts, order: Backward(
            order, site, context, tuple(facts.model(r.model) for r in reached)
        )
    )


def is_optimizer(value: Value) -> bool:
    """Whether an object is of a class of the project that derives from torch's optimizers."""
    if not isinstance(value, Instance) or value.cls is None:
        return False
    bases = (base.path for base in value.cls.mro if isinstance(base, Library))
    return any(path.startswith("torch.optim.") and "schedul" not in path for path in bases)


def note_step(m: Machine, site: Site, evaluations: int = 0) -> None:
    """Record an optimizer's step, which may call a closure so often."""
    m.note_activity()
    context = m.context()
    m.journal.note(lambda facts, order: OptimizerStep(order, site, context, evaluations))


def note_loaded(
    m: Machine,
    module: Instance,
    site: Site,
    name: str,
    source: Instance | None = None,
    *,
    parameters_only: bool = False,
    saved_by: str = "",
) -> None:
    """Record that weights are loaded into a module, those of ``source`` if that is one at hand.

    ``saved_by`` is the script that saves the whole module, if it is loaded as such.
    """
    context, model = m.context(), model_record(m, module, name)
    origin = None if source is None else model_record(m, source)
    m.journal.note(
        lambda facts, order: WeightsLoaded(
            order,
            site,
            context,
            facts.model(model),
            None if origin is None else facts.model(origin),
            parameters_only,
            saved_by,
        )
    )


def note_given_to_unknown(m: Machine, module: Instance, site: Site) -> None:
    """Record that code outside of models gives one to code that is not known."""
    if m.building or m.modules:
        return
    context, model = m.context(), model_record(m, module)
    m.journal.note(lambda facts, order: HandedOver(order, site, context, facts.model(model)))


def note_buffers_asked(m: Machine, module: Instance, site: Site) -> None:
    """Remember that a program asks for buffers: what it does with them is not followed."""
    m.journal.buffers_used.update(part for _, part in descendants(m, module))
    if m.building or m.modules:
        return
    context, model = m.context(), model_record(m, module)
    m.journal.note(lambda facts, order: BuffersAsked(order, site, context, facts.model(model)))
