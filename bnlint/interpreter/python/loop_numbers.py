"""Numbers that change from pass to pass of a loop whose passes stand for all."""

import libcst as cst

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import MISSING, Unknown, Value, present
from bnlint.interpreter.python.forgetting import known_value
from bnlint.source.name_bindings import dotted

_NUMBERS = (int, float)
_WRITTEN = frozenset({cst.Integer, cst.Float, cst.UnaryOperation})


def outlives_pass(m: Machine, target: cst.CSTNode, scope: Scope) -> bool:
    """Whether what is assigned to is older than the pass of such a loop around."""
    match target:
        case cst.Name(value=name) if not scope.declared or name not in scope.declared:
            return m.frame.abstract > 0
        case cst.Name():
            return any(frame.abstract for frame in m.frames)
        case cst.Attribute(value=owner_node):
            owner = known_value(scope, dotted(owner_node))
            starts = [loop.since for loop in m.loops if loop.abstract]
            return bool(starts) and not (isinstance(owner, Instance) and owner.order > starts[-1])
        case _:
            return m.building == 0 and any(frame.abstract for frame in m.frames)


def varying(
    m: Machine, target: cst.CSTNode, node: cst.BaseExpression, value: Value, scope: Scope
) -> Value:
    """What ``target = node`` leaves: a number computed anew in each pass is not known."""
    if isinstance(value, bool) or not isinstance(value, _NUMBERS) or type(node) in _WRITTEN:
        return value
    before = _present_value(target, scope)
    is_number = isinstance(before, int | float) and not isinstance(before, bool)
    if is_number and before != value and outlives_pass(m, target, scope):
        return Unknown("it changes from pass to pass")
    return value


def _present_value(target: cst.CSTNode, scope: Scope) -> Value:
    match target:
        case cst.Name(value=name):
            return known_value(scope, name)
        case cst.Attribute(value=owner_node, attr=attr):
            owner = known_value(scope, dotted(owner_node))
            if isinstance(owner, Instance):
                return present(owner.attributes.get(attr.value, MISSING))
    return MISSING
