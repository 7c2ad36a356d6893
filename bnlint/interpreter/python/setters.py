"""``value.name = ...`` for each type of value."""

import libcst as cst

from bnlint.facts.types.site import Argument
from bnlint.facts.types.weight_events import MomentumAssigned
from bnlint.interpreter.core.dispatch import SETTERS, handles
from bnlint.interpreter.core.layer_arguments import argument_fact
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Bound, Class, Instance, Property, Scope
from bnlint.interpreter.core.values import (
    Arguments,
    Choice,
    KeptMode,
    Library,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.library.data_loading.samplers import note_changed
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.python.functions import run_function
from bnlint.interpreter.python.name_lookup import assign, set_attribute
from bnlint.interpreter.torch.exchanged_parts import exchange_all
from bnlint.interpreter.torch.freezing import freeze, note_weights_written
from bnlint.interpreter.torch.kept_modes import with_mode_kept
from bnlint.interpreter.torch.model_records import note_assigned, note_switched
from bnlint.interpreter.torch.modules import MODE, modules_in, register_child, set_own_mode
from bnlint.interpreter.torch.norms import TRACKS, is_batch_norm
from bnlint.interpreter.torch.parameters import is_parameter, names_of
from bnlint.interpreter.torch.states import keep
from bnlint.interpreter.torch.tracking import note_tracking
from bnlint.interpreter.torch.weight_fills import fill
from bnlint.source.name_bindings import dotted

STATISTICS = frozenset({"running_mean", "running_var"})
"""The buffers of a BatchNorm layer without which it normalises by the batch."""


@handles(SETTERS, Instance)
def _set_on_instance(
    m: Machine, owner: Instance, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    if owner.cls is not None:
        found = owner.cls.find(name)
        if isinstance(found, Property):
            if found.setter is not None:
                site = m.site(node, scope)
                run_function(m, found.setter, Arguments([owner, value]), site)
            return
    if type(value) is bool and not (owner.is_module and name == MODE):
        value = with_mode_kept(m, value, node, scope)
    if is_parameter(owner):
        _set_on_parameter(m, owner, name, value, node, scope)
    elif owner.is_module:
        _set_on_module(m, owner, name, value, node, scope)
    else:
        note_changed(m, owner, m.site(node, scope))
        m.heap.put(owner.attributes, name, value)
    if isinstance(value, Instance) and f"self.{name}" not in value.names:
        value.names.append(f"self.{name}")


def _set_on_module(
    m: Machine, owner: Instance, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    if name == MODE:
        training = bool(value) if isinstance(value, bool | KeptMode) else None
        set_own_mode(m, owner, training, m.site(node, scope))
        receiver = dotted(node.value) if isinstance(node, cst.Attribute) else ""
        note = note_switched if is_batch_norm(owner) else note_assigned
        note(m, owner, training, m.site(node, scope), receiver)
        return
    if name in owner.arguments:
        _reassign(m, owner, name, value, node, scope)
        return
    if value is None and name in STATISTICS and is_batch_norm(owner):
        note_tracking(m, [owner], None, m.site(node, scope), removed=True)
    m.step(m.looking_through([value]))
    if name in names_of(owner) and not modules_in(value):
        argument = Argument(name, None, m.site(node, scope))
        m.heap.put(owner.assigned, name, argument)
    if modules_in(value) and not isinstance(value, list | tuple | dict):
        register_child(m, owner, name, value)
        return
    if name == "_modules" and isinstance(value, dict):
        exchange_all(m, owner, value)
        return
    if isinstance(value, list | tuple | dict) and owner.cls is not None:
        written = m.site(m.assigning or node, scope)
        m.journal.plain_containers.setdefault((owner.cls, name), set()).add(written)
    if m.modules:
        m.journal.effects += 1
    if value is None or type(value) is Tensor:
        value = keep(m, owner, name, value, m.site(m.assigning or node, scope))
    if m.recipes is not None:
        m.recipes.note_changed(owner, name, value)
    if name in owner.attributes and modules_in(owner.attributes[name]):
        m.heap.structure += 1
    m.heap.put(owner.attributes, name, value)


def _reassign(
    m: Machine, layer: Instance, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    """``layer.momentum = value`` and the like on a library layer."""
    argument = argument_fact(m, name, Bound(value, m.assigning or node), scope)
    m.heap.put(layer.assigned, name, argument)
    if m.recipes is not None:
        m.recipes.note_changed(layer, name, value)
    m.journal.effects += 1
    if name == TRACKS and is_batch_norm(layer):
        note_tracking(m, [layer], value if isinstance(value, bool) else None, m.site(node, scope))
    if name != "momentum" or not is_batch_norm(layer):
        return
    site, context = m.site(node, scope), m.context()
    m.journal.note(
        lambda facts, order: MomentumAssigned(
            order, site, context, (facts.layer(layer, layer.type_name),), argument
        )
    )


def _set_on_parameter(
    m: Machine, owner: Instance, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    match name:
        case "requires_grad":
            freeze(m, owner, value if isinstance(value, bool) else None, m.site(node, scope))
        case "data":
            site = m.site(node, scope)
            fill(m, owner, value.fill if isinstance(value, Tensor) else None, site)
            note_weights_written(m, owner, site)
        case _:
            m.heap.put(owner.attributes, name, value)


@handles(SETTERS, Class)
def _set_on_class(
    m: Machine, owner: Class, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    m.heap.put(owner.names, name, value)


@handles(SETTERS, Namespace)
def _set_on_namespace(
    m: Machine, owner: Namespace, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    """``module.name = ...`` comes after what the module itself says of the name."""
    owner.own(m, name)
    m.heap.put(owner.names, name, value)


@handles(SETTERS, Library)
def _set_on_library(
    m: Machine, owner: Library, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    """``nn.BatchNorm2d = ...``; what else is set in packages says nothing about models."""
    if owner.path == "torch.nn":
        m.exchanged.put(m.heap, f"{owner.path}.{name}", value)


@handles(SETTERS, Choice)
def _set_on_choice(
    m: Machine, owner: Choice, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    def put(one: Value) -> None:
        set_attribute(m, one, name, value, node, scope)

    with_one_of(m, owner.values, put, m.site(node, scope))


@handles(SETTERS, Tensor)
def _set_on_tensor(
    m: Machine, owner: Tensor, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    """``tensor.data = other``: the name stands for the other from here on."""
    if name != "data" or not isinstance(node, cst.Attribute):
        return
    new: Value = Unknown("data")
    if isinstance(value, Tensor):
        new = value if owner.state is None else m.attribute(value, "data", node, scope)
    assign(m, node.value, new, scope)
