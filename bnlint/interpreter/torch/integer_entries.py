"""Whole numbers among what code scales in place: the batches that BatchNorm layers have counted."""

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import IntegersScaled
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.torch_library.state_dicts import IS_NAMED, STATE_OF
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.norms import norm_records
from bnlint.interpreter.torch.parameters import parameter_group, selected
from bnlint.source.parents import below

BUFFER = "buffer"
"""The reason of what stands for each of a module's buffers, whose cause is the module."""
_OPERATORS = {cst.AddAssign: "+=", cst.SubtractAssign: "-=", cst.MultiplyAssign: "*="}
_MULTIPLYING = frozenset({"mul", "multiply", "add", "sub", "subtract"})
_FRACTIONS = frozenset({"div", "divide", "true_divide", "float", "double", "mean"})


def note_scaled(m: Machine, entry: Value, operation: str, site: Site) -> None:
    """Record that entries of a state, or buffers, become fractions in place by ``operation``."""
    model = _whole_of(entry)
    if model is None or not m.journal.in_script:
        return
    counting = (n for n in norm_records(m, model) if n.tracks is Known.YES and n.certain)
    if next(counting, None) is None:
        return
    context, record = m.context(), model_record(m, model)
    m.journal.note(
        lambda facts, order: IntegersScaled(order, site, context, facts.model(record), operation)
    )


def _whole_of(entry: Value) -> Instance | None:
    """The model of which a value stands for any entry of the state, or any buffer."""
    match entry:
        case Unknown(reason=reason, cause=Instance() as module) if reason == BUFFER:
            return module
        case Instance() if IS_NAMED not in entry.attributes:
            owner = entry.attributes.get(STATE_OF)
            return owner if isinstance(owner, Instance) else None
    return None


def chosen(m: Machine, entry: Value) -> Value:
    """What stands for the entries that a test let pass, which may have left some out."""
    match entry:
        case tuple():
            return tuple(chosen(m, part) for part in entry)
        case Instance() if (owner := _whole_of(entry)) is not None:
            one = parameter_group(m, [owner], entry.site)
            one.attributes.update({STATE_OF: owner, IS_NAMED: True})
            return selected(one)
        case Instance() if "members" in entry.attributes:
            return selected(entry)
    return entry


def note_assigned(m: Machine, entry: Value, node: cst.AugAssign, scope: Scope) -> None:
    """``state[key] /= 3``, ``state[key] += 0.1 * other[key]``."""
    if _whole_of(entry) is None:
        return
    operation = "/=" if isinstance(node.operator, cst.DivideAssign) else None
    if operation is None and (
        _is_fraction(m, node.value, scope) or _holds_fractions(m, node.value)
    ):
        operation = _OPERATORS.get(type(node.operator))
    if operation is not None:
        note_scaled(m, entry, operation, m.site(node, scope))


def note_called(m: Machine, entry: Value, name: str, arguments: Arguments, site: Site) -> None:
    """``state[key].div_(3)``, ``.mul_(0.9)``, ``.add_(0.1 * other[key])``, ``.lerp_(other[key], 0.1)``."""
    if _whole_of(entry) is not None and _scales(m, name, arguments):
        note_scaled(m, entry, name, site)


def _scales(m: Machine, name: str, arguments: Arguments) -> bool:
    match name:
        case "div_" | "lerp_":
            return "rounding_mode" not in arguments.keywords
        case "mul_" | "add_" | "sub_":
            first = arguments.nodes[0] if arguments.nodes else None
            numbers = [arguments.get(0, "other")]
            if name != "mul_":
                numbers.append(arguments.get(1, "alpha"))
            return any(map(_is_float, numbers)) or _gives_fractions(m, first)
    return False


def _gives_fractions(m: Machine, node: cst.CSTNode | None) -> bool:
    if not isinstance(node, cst.BaseExpression):
        return False
    return _is_fraction(m, node, None) or _holds_fractions(m, node)


def _holds_fractions(m: Machine, node: cst.BaseExpression) -> bool:
    """Whether the loop around gives a name nothing but fractions: ``update = 0.1 * other[key]``."""
    loops = m.context().loops
    loop = loops[-1].site.node if loops else None
    if not isinstance(node, cst.Name) or not isinstance(loop, cst.CSTNode):
        return False
    values = [
        given.value
        for given in below(loop)
        if isinstance(given, cst.Assign) and _binds(given, node.value)
    ]
    return bool(values) and all(_is_fraction(m, value, None) for value in values)


def _binds(assign: cst.Assign, name: str) -> bool:
    nodes = (node for one in assign.targets for node in (one.target, *below(one.target)))
    return any(isinstance(node, cst.Name) and node.value == name for node in nodes)


def _is_fraction(m: Machine, node: cst.BaseExpression, scope: Scope | None) -> bool:
    """Whether an expression surely gives a floating-point number or tensor."""
    match node:
        case cst.Float():
            return True
        case cst.BinaryOperation(operator=cst.Divide()):
            return True
        case cst.BinaryOperation(operator=cst.Multiply() | cst.Add() | cst.Subtract()):
            return _is_fraction(m, node.left, scope) or _is_fraction(m, node.right, scope)
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=name))):
            if name in _FRACTIONS:
                return True
            parts = [owner, *(argument.value for argument in node.args)]
            return name in _MULTIPLYING and any(_is_fraction(m, part, scope) for part in parts)
        case cst.Name():
            return scope is not None and _is_float(m.evaluate(node, scope))
    return False


def _is_float(value: Value) -> bool:
    return isinstance(value, float)
