"""Gradients of parameters switched off and on, and weights overwritten."""

from bnlint.facts.types.run import Frozen
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsWritten
from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Many, Value
from bnlint.interpreter.python.iteration import elements
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import descendants
from bnlint.interpreter.torch.parameters import is_parameter, set_gradient


def freeze(m: Machine, parameter: Instance, value: bool | None, site: Site) -> None:
    """``parameter.requires_grad = value``, with the event."""
    whole = set_gradient(m, parameter, value, site)
    context = m.context()
    for owner in whole or owners(parameter):
        model, everything = model_record(m, owner), bool(whole)
        m.journal.note(
            lambda facts, order, model=model, everything=everything: Frozen(  # type: ignore[misc]
                order, site, context, facts.model(model), value, everything
            )
        )


def owners(parameter: Instance) -> list[Instance]:
    """The modules whose parameters a value stands for."""
    members = parameter.attributes.get("members")
    if isinstance(members, tuple):
        return [member for member in members if isinstance(member, Instance)]
    owner = parameter.attributes.get("owner")
    return [owner] if isinstance(owner, Instance) else []


def parameters_in(m: Machine, value: Value) -> list[Instance]:
    """The parameters that a list, or what stands for many, holds; a long list of data holds none."""
    items = [value.element] if isinstance(value, Many) else elements(m, value) or [value]
    if not any(isinstance(item, Instance) for item in items[:MOST_LOOKED_AT]):
        return []
    return [item for item in items if isinstance(item, Instance) and is_parameter(item)]


def note_transfer(m: Machine, values: list[Value], site: Site) -> None:
    """A function that is not known gets parameters of several networks: it may write any."""
    groups = [group for value in values if (group := parameters_in(m, value))]
    if len({owner for group in groups for owner in owners(group[0])}) < 2:
        return
    for group in groups:
        for parameter in group:
            note_weights_written(m, parameter, site)


def note_weights_written(m: Machine, parameter: Instance, site: Site) -> None:
    """Record that the values of a parameter, or of all of a model, are overwritten."""
    context = m.context()
    for owner in owners(parameter):
        model = model_record(m, owner)
        m.journal.overwritten.update(module for _, module in descendants(m, owner))
        m.journal.note(
            lambda facts, order, model=model: WeightsWritten(  # type: ignore[misc]
                order, site, context, facts.model(model)
            )
        )
