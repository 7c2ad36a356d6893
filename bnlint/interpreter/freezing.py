"""Gradients of parameters switched off and on, and weights overwritten."""

from bnlint.facts.run import Frozen, WeightsWritten
from bnlint.facts.site import Site
from bnlint.interpreter.machine import Machine
from bnlint.interpreter.modules import descendants
from bnlint.interpreter.objects import Instance
from bnlint.interpreter.parameters import set_gradient


def freeze(m: Machine, parameter: Instance, value: bool | None, site: Site) -> None:
    """``parameter.requires_grad = value``, with the event."""
    whole = set_gradient(m, parameter, value, site)
    context = m.context()
    for model in whole or owners(parameter):
        everything = bool(whole)
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


def note_weights_written(m: Machine, parameter: Instance, site: Site) -> None:
    """Record that the values of a parameter, or of all of a model, are overwritten."""
    context = m.context()
    for model in owners(parameter):
        m.journal.overwritten.update(module for _, module in descendants(m, model))
        m.journal.note(
            lambda facts, order, model=model: WeightsWritten(  # type: ignore[misc]
                order, site, context, facts.model(model)
            )
        )
