"""Modes of modules that code keeps, to give them back later."""

import libcst as cst

from bnlint.facts.types.mode_events import ModeGivenBack
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import KeptMode, Value
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.wrappers import unwrapped
from bnlint.source.name_bindings import dotted


def with_mode_kept(m: Machine, value: bool, target: cst.CSTNode, scope: Scope) -> Value:
    """What ``target = value`` sets an attribute to: a mode, if that has just been read as the value."""
    if m.modes.last is None or m.modes.last[0] is not m.assigning:
        return value
    node, module = m.modes.last
    kept = KeptMode(value)
    kept.module, kept.site = module, m.site(node, scope)
    kept.target, kept.order = dotted(target), m.journal.next_order()
    return kept


def note_given_back(
    m: Machine, module: Instance, training: bool, kept: KeptMode, site: Site
) -> None:
    """Record that a module was put into the mode that it had when that was kept, if it was."""
    if unwrapped(kept.module) is not unwrapped(module) or training is not bool(kept):
        return
    context, model = m.context(), model_record(m, module)
    m.journal.note(
        lambda facts, order: ModeGivenBack(
            order, site, context, facts.model(model), training, kept.site, kept.order, kept.target
        )
    )
