"""Looking names up and binding targets."""

import builtins
from collections.abc import Mapping, Sequence

import libcst as cst

from bnlint.interpreter.core.dispatch import SETTERS
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import MISSING, Library, Many, Tensor, Unknown, Value, present
from bnlint.interpreter.library.data_loading.held_out import held_out
from bnlint.interpreter.python.item_assignment import store_item
from bnlint.interpreter.python.iteration import elements, index_into, without_none
from bnlint.interpreter.torch.freezing import note_weights_written
from bnlint.interpreter.torch.layer_shapes import size_at
from bnlint.interpreter.torch.parameters import is_parameter

BUILTIN_NAMES = frozenset(dir(builtins))
CONSTANTS: Mapping[str, Value] = {"True": True, "False": False, "None": None}
CUSTOMARY: Mapping[str, str] = {
    "torch": "torch",
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "optim": "torch.optim",
}
"""What names stand for that nothing binds: a piece of a notebook, or a file that still lacks its imports."""


def look_up(m: Machine, name: str, scope: Scope) -> Value:
    """The value of a name: local, enclosing, global or builtin."""
    value = scope.names.get(name, MISSING)
    if value is not MISSING:
        return present(value)
    inner = scope.parent
    while inner is not None:
        value = inner.names.get(name, MISSING)
        if value is not MISSING:
            if m.readings:
                m.note_read(inner.names, name, value)
            return present(value)
        inner = inner.parent
    if name in CONSTANTS:
        return CONSTANTS[name]
    value = scope.namespace.lookup(m, name)
    if m.readings:
        m.note_read(scope.namespace, name, value)
    if value is not MISSING:
        return value
    if name in BUILTIN_NAMES:
        return Library(f"builtins.{name}")
    if name in CUSTOMARY and not scope.namespace.stars and scope.namespace.source.mentions("torch"):
        return Library(CUSTOMARY[name])
    return Unknown(f"name {name}")


def bind(m: Machine, name: str, value: Value, scope: Scope) -> None:
    """Set a local name, or a global or nonlocal one where it is declared so."""
    names = scope.names
    if scope.declared is not None and name in scope.declared:
        names = scope.declared[name]
    m.heap.put(names, name, value)
    if isinstance(value, Instance) and name not in value.names:
        value.names.append(name)


def assign(m: Machine, target: cst.CSTNode, value: Value, scope: Scope) -> None:
    """Bind an assignment target to a value."""
    match target:
        case cst.Name(value=name):
            named = type(value) is Tensor or type(value) is Unknown
            bind(m, name, held_out(m, target, value, scope) if named else value, scope)
        case cst.Attribute(value=owner, attr=attr):
            set_attribute(m, m.evaluate(owner, scope), attr.value, value, target, scope)
        case cst.Tuple(elements=parts) | cst.List(elements=parts):
            _assign_parts(m, parts, value, scope)
        case cst.Subscript():
            store_item(m, target, value, scope)
            written = m.evaluate(target.value, scope)
            if isinstance(written, Instance) and is_parameter(written):
                note_weights_written(m, written, m.site(target, scope))
        case cst.StarredElement(value=inner):
            assign(m, inner, value, scope)


def _assign_parts(m: Machine, parts: Sequence[cst.BaseElement], value: Value, scope: Scope) -> None:
    count = len(parts)
    value = without_none(value)
    items = elements(m, value)
    star = next((i for i, p in enumerate(parts) if isinstance(p, cst.StarredElement)), None)
    if items is not None and star is not None and len(items) >= count - 1:
        extra = len(items) - count + 1
        items = [*items[:star], items[star : star + extra], *items[star + extra :]]
    if items is None or len(items) != count:
        items = [part_of(m, value, i, parts[i], scope) for i in range(count)]
        if star is not None:
            items[star] = Many(Unknown("item"))
    for part, item in zip(parts, items, strict=True):
        assign(m, part.value, item, scope)


def part_of(m: Machine, value: Value, position: int, node: cst.CSTNode, scope: Scope) -> Value:
    """An item of a value that is unpacked and whose length is not known."""
    match value:
        case Many(element=element):
            return element
        case Tensor():
            return index_into(m, value, position, node, scope)
        case _:
            return size_at(value, position)


def set_attribute(
    m: Machine, owner: Value, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    """``owner.name = value``."""
    setter = SETTERS.get(type(owner))
    if setter is not None:
        setter(m, owner, name, value, node, scope)
