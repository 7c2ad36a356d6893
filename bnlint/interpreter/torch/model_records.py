"""Models as they are when something happens to them: which BatchNorm layers they have."""

import libcst as cst

from bnlint.facts.types.run import ModeAssigned, ModelBuilt, ModeSwitched
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.journal import ModelRecord
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.torch.modules import parts_of
from bnlint.interpreter.torch.norms import has_batchnorm, is_batch_norm
from bnlint.source.name_bindings import dotted


def model_record(m: Machine, module: Instance, name: str = "") -> ModelRecord:
    """A module that the script uses as a whole, under the name that it is called by.

    It is the same record as before as long as the module has the same BatchNorm layers.
    """
    called = name or module.called
    before = m.memory.models.get((module, called))
    if before is not None and before.structure == m.heap.structure:
        return before
    norms = [part for part in parts_of(m, module) if is_batch_norm(part.module)]
    there = has_batchnorm(module)
    if before is not None and before.norms == norms and before.has_batchnorm is there:
        before.structure = m.heap.structure
        return before
    made = ModelRecord(module, called, there, norms, m.heap.structure)
    m.memory.models[module, called] = made
    return made


def keyed_name(site: Site) -> str:
    """``nets["critic"]`` where a call at ``site`` is of that, or of a method of it; ``""`` for others."""
    called = site.node.func if isinstance(site.node, cst.Call) else None
    owner = called.value if isinstance(called, cst.Attribute) else called
    match owner:
        case cst.Subscript(
            value=cst.Name() | cst.Attribute() as holder,
            slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString(value=key)))],
        ) if name := dotted(holder):
            return f"{name}[{key}]"
    return ""


def note_built(m: Machine, made: Instance) -> None:
    """Record that a script has built a model, not a part of the one that is being built or run."""
    if made.is_module and m.journal.in_script and not (m.building or m.modules):
        m.step(len(parts_of(m, made)) >> 1)  # what is built of models is gone through each time
        context, model = m.context(), model_record(m, made)
        m.journal.note(
            lambda facts, order: ModelBuilt(
                order, made.site, context, facts.model(model), made.has_parent
            )
        )


def note_switched(
    m: Machine, module: Instance, training: bool | None, site: Site, receiver: str
) -> None:
    """Record that a module's mode is set; ``receiver`` is the code that stands for it."""
    context, model = m.context(), model_record(m, module, receiver or keyed_name(site))
    m.journal.note(
        lambda facts, order: ModeSwitched(
            order, site, context, facts.model(model), training, receiver
        )
    )


def note_assigned(
    m: Machine, module: Instance, training: bool | None, site: Site, receiver: str
) -> None:
    """Record that ``training`` of a module is set by hand."""
    context, model = m.context(), model_record(m, module, receiver)
    m.journal.note(
        lambda facts, order: ModeAssigned(
            order, site, context, facts.model(model), training, receiver
        )
    )
