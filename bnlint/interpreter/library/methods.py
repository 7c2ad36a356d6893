"""Methods of values that the interpreter itself implements, by the type of their receiver."""

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.knowledge import is_further, open_at, open_one
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Command,
    Instance,
    OpenFile,
    Scope,
    Super,
)
from bnlint.interpreter.core.values import (
    MISSING,
    SOME_ITEMS,
    Arguments,
    Configuration,
    Library,
    Many,
    Maybe,
    PathText,
    Tensor,
    Unknown,
    Value,
    present,
)
from bnlint.interpreter.evaluation import change, changes, evaluate, item_of, ordered
from bnlint.interpreter.evaluation.vectors import METHODS as VECTOR_METHODS
from bnlint.interpreter.evaluation.vectors import Vector
from bnlint.interpreter.library.command_lines.commands import call_command_method
from bnlint.interpreter.library.command_lines.parser_declarations import PARSERS
from bnlint.interpreter.library.command_lines.parsers import call_parser_method
from bnlint.interpreter.library.config_files.config_nodes import call_configuration_method
from bnlint.interpreter.library.config_files.data_reading import call_file_method
from bnlint.interpreter.library.data_loading.samplers import note_epoch_set
from bnlint.interpreter.library.dict_methods import default_of, read_dict
from bnlint.interpreter.library.object_methods import call_object_method
from bnlint.interpreter.library.standard_library.paths import call_path_method
from bnlint.interpreter.library.torch_library.module_methods import call_module_method
from bnlint.interpreter.library.torch_library.parameter_methods import call_parameter_method
from bnlint.interpreter.library.torch_library.tensor_functions import call_tensor_method
from bnlint.interpreter.library.training_frameworks.lightning import CHECKPOINTED, from_checkpoint
from bnlint.interpreter.library.training_frameworks.stored_arguments import (
    SAVING,
    save_hyperparameters,
)
from bnlint.interpreter.python.construction import (
    fill_fields,
    initialise_library,
    with_generated_init,
)
from bnlint.interpreter.python.growth import grown
from bnlint.interpreter.python.item_assignment import forget_items
from bnlint.interpreter.python.iteration import listed
from bnlint.interpreter.python.name_lookup import assign
from bnlint.interpreter.python.unnamed_models import member, note_lookup
from bnlint.interpreter.torch.inner_forwards import run_library
from bnlint.interpreter.torch.integer_entries import BUFFER, note_called
from bnlint.interpreter.torch.optimized import note_perhaps_optimized
from bnlint.interpreter.torch.parameters import is_parameter

GETTING = "__getattribute__"
"""``owner.__getattribute__("name")`` gives what ``getattr(owner, "name")`` does."""


@handles(CALLS, Builtin)
def _call_builtin(
    m: Machine, builtin: Builtin, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    receiver, name = builtin.receiver, builtin.name
    if name == "set_epoch":
        note_epoch_set(m, receiver, arguments, site)
    if name == GETTING:
        return m.call(Library("builtins.getattr"), arguments.prefixed(receiver), site, scope)
    match receiver:
        case Builtin(receiver=owner, name="__dict__"):
            return _call_on_names(m, owner, name, arguments, site, scope)
        case Tensor():
            return _call_on_tensor(m, receiver, name, arguments, site, scope)
        case Super():
            return _call_super(m, receiver, name, arguments, site, scope)
        case Instance():
            return _call_on_instance(m, receiver, name, arguments, site, scope)
        case Class() if name == CHECKPOINTED:
            return from_checkpoint(m, receiver, arguments, site)
        case Command():
            return call_command_method(m, receiver, name, arguments, site, scope)
        case Configuration():
            made = call_configuration_method(m, receiver, name, arguments, site)
            return _call_plain(m, receiver, name, arguments, site) if made is MISSING else made
        case OpenFile():
            return call_file_method(m, receiver, name, site)
        case PathText():
            return call_path_method(m, receiver, name, arguments, site)
        case list() | dict() | set() | str() | tuple() | bytes():
            return _call_plain(m, receiver, name, arguments, site)
        case int() | float() if name in ("item", "tolist", "astype"):
            return receiver
        case Many():
            return _call_many(m, receiver, name, arguments, site)
        case Library():
            return Unknown(name)
        case Unknown(reason=reason) if reason == BUFFER:
            return _call_buffer(m, receiver, name, arguments, site)
    return m.call_unknown(receiver, arguments, site)


def _call_on_tensor(
    m: Machine, tensor: Tensor, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """A method of a tensor; where it changes in place what is known of it, its name gets what came of it."""
    made = call_tensor_method(m, tensor, name, arguments, site)
    given = arguments.get(0, "src") if name == "copy_" and tensor.state is None else None
    copies = isinstance(given, Tensor) and bool(given.loaders)
    scales = name in SCALING_IN_PLACE and tensor.state is None and m.tape.recording
    if copies:
        made = given
    if copies or scales or name in RESHAPING_IN_PLACE:
        _rebind(m, tensor, site.node, made, scope)
    return made


def _call_buffer(m: Machine, buffer: Unknown, name: str, arguments: Arguments, site: Site) -> Value:
    """A method of a buffer; those that give the same numbers give the buffer."""
    note_called(m, buffer, name, arguments, site)
    made = m.call_unknown(buffer, arguments, site)
    return buffer if name in SAME_BUFFER else made


def _call_on_names(
    m: Machine, owner: Value, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``owner.__dict__.get(key)`` and the like."""
    key = arguments.get(0, "key")
    if name in ("get", "__getitem__") and isinstance(owner, Namespace):
        return member(m, owner, key, site.node, scope)  # type: ignore[arg-type]
    if name in ("get", "__getitem__") and isinstance(key, str):
        return m.attribute(owner, key, site.node, scope)  # type: ignore[arg-type]
    if name == "update" and isinstance(owner, Namespace) and isinstance(key, dict):
        for given, value in key.items():
            m.heap.put(owner.names, given, value) if isinstance(given, str) else None
        return None
    return Unknown(name, site, open_one([key]))


def _call_on_instance(
    m: Machine, receiver: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if is_parameter(receiver):
        return call_parameter_method(m, receiver, name, arguments, site)
    if name == SAVING:
        save_hyperparameters(m, receiver, arguments, site, scope)
        return None
    if receiver.is_module:
        return call_module_method(m, receiver, name, arguments, site, scope)
    return call_object_method(m, receiver, name, arguments, site, scope)


SAME_BUFFER = frozenset({"detach", "mul_", "add_", "sub_", "copy_"})
"""Methods that give the buffer itself, or one that shares its numbers."""
RESHAPING_IN_PLACE = frozenset(
    """unsqueeze_ squeeze_ resize_ resize_as_ t_ transpose_ swapaxes_ swapdims_ set_""".split()
)
"""Methods of tensors after which what they were called on has another shape."""
SCALING_IN_PLACE = frozenset({"mul_", "div_"})


def _rebind(m: Machine, old: Tensor, call: object, made: Value, scope: Scope) -> None:
    """What a method changed in place is what all names of the tensor stand for now."""
    for name in [name for name, value in scope.names.items() if value is old]:
        m.heap.put(scope.names, name, made)
    changed = call
    while isinstance(changed, cst.Call) and isinstance(changed.func, cst.Attribute):
        if not changed.func.attr.value.endswith("_"):
            return
        changed = changed.func.value
    if isinstance(changed, cst.Attribute) and changed.attr.value == "data":
        changed = changed.value
    if isinstance(changed, cst.Name):
        m.heap.put(_home_of(changed.value, scope).names, changed.value, made)
    elif isinstance(changed, cst.Attribute):
        assign(m, changed, made, scope)


def _home_of(name: str, scope: Scope) -> Scope:
    """Where a name that a function reads is bound: there, in a function around it, or in its file."""
    home: Scope | None = scope
    while home is not None and name not in home.names:
        home = home.parent
    if home is None:
        home = scope.namespace.scope
    return home if name in home.names else scope


def _call_super(
    m: Machine, receiver: Super, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    instance = receiver.receiver
    if isinstance(instance, Configuration):
        return m.call(Builtin(instance, name), arguments, site, m.namespaces.anywhere)
    if not isinstance(instance, Instance):
        return Unknown("super")
    match name:
        case "__init__":
            _initialise_base(m, instance, receiver.after, arguments, site)
            return None
        case "forward" | "__call__":
            return run_library(m, instance, arguments, site)
    if instance.is_module:
        return call_module_method(m, instance, name, arguments, site, scope)
    if instance.library in PARSERS:
        return call_parser_method(m, instance, name, arguments, site)
    return Unknown(f"super().{name}()")


def _initialise_base(
    m: Machine, instance: Instance, after: Class, arguments: Arguments, site: Site
) -> None:
    if instance.cls is None:
        return
    generated = with_generated_init(instance.cls, after)
    base = instance.cls.library_base(after)
    if generated is not None:
        fill_fields(m, instance, generated, arguments)
    elif base is not None and instance.library:
        initialise_library(m, instance, arguments)
        for bound in instance.arguments.values():
            bound.source = site.source


# -- Python's own containers and strings ------------------------------------------------------


ADDING = frozenset({"extend", "clear"})
"""What may be done with a list some of whose items may be missing."""


def _call_plain(m: Machine, receiver: Value, name: str, arguments: Arguments, site: Site) -> Value:
    if isinstance(receiver, list | dict | set) and (name == "sort" or changes(receiver, name)):
        return _mutate(m, receiver, name, arguments)
    match receiver:
        case Vector() if name in ("tolist", "copy"):
            return list(receiver) if name == "tolist" else Vector(receiver)
        case Vector() if name == "astype" or name in VECTOR_METHODS:
            return _call_vector(m, receiver, name, arguments)
        case dict():
            if name == "get":
                note_lookup(m, receiver, arguments.get(0, "key"), site.node)  # type: ignore[arg-type]
            found = read_dict(m, receiver, name, arguments)
            unread = type(found) is Unknown and found.reason == "dict.get()"
            return Unknown("item", site, open_one(arguments.values)) if unread else found
        case list() if name == "copy":
            return item_of(receiver, slice(None), m.allowance)
        case list() | tuple() if name in ("index", "count"):
            kind = "list"
        case str() | bytes():
            kind = "str"
        case _:
            return m.call_unknown(receiver, arguments, site)
    given = [receiver, *arguments.positional]
    made = evaluate(f"{kind}.{name}", given, m.allowance, arguments.keywords)
    if kind == "str" and name == "format" and isinstance(made, Unknown):
        return m.call_unknown(receiver, arguments, site)
    return Unknown(made.reason, site, open_one(given)) if type(made) is Unknown else made


def _call_vector(m: Machine, receiver: Vector, name: str, arguments: Arguments) -> Value:
    given = [v.name if isinstance(v, Library) else v for v in arguments.values]
    return evaluate(f"numpy.ndarray.{name}", [receiver, *given], m.allowance)


def _mutate(
    m: Machine, receiver: list[Value] | dict[Value, Value] | set[Value], name: str, args: Arguments
) -> Value:
    m.heap.touch(receiver)
    values = list(args.positional)
    if name in ("extend", "update") and values:
        items = values[0] if isinstance(values[0], dict) else listed(m, values[0])
        if items is None:
            _add_unknown_items(receiver, values[0])
            return None
        values = [items if isinstance(items, dict) else grown(m, receiver, items)]
    if name == "append" and isinstance(receiver, list):
        receiver.extend(grown(m, receiver, values[:1]))
        return None
    if name == "sort" and isinstance(receiver, list):
        _sort(m, receiver, args)
        return None
    if isinstance(receiver, list) and name not in ADDING and open_at(receiver) is not None:
        possible = [present(item) for item in receiver]
        forget_items(m, receiver)
        return m.join(possible)
    if isinstance(receiver, dict) and name in ("pop", "setdefault") and len(values) == 2:
        values = [values[0], default_of(m, receiver, *values)]
    result = present(change(receiver, name, values, m.allowance))
    if name == "update" and isinstance(receiver, dict):
        receiver.update(args.keywords)
    return result


def _add_unknown_items(
    receiver: list[Value] | dict[Value, Value] | set[Value], value: Value
) -> None:
    """Enter what ``value`` holds, of which neither the number nor the keys are known."""
    match receiver:
        case list():
            receiver.append(Unknown(SOME_ITEMS, cause=value))
        case set():
            receiver.add(Unknown(SOME_ITEMS))
        case dict():
            item = value.element if isinstance(value, Many) else value
            further = item if isinstance(item, Tensor) else Unknown("further items")
            receiver.update(dict.fromkeys(receiver, Unknown("item that may have been updated")))
            receiver[Unknown(SOME_ITEMS)] = Maybe(further)


def _sort(m: Machine, items: list[Value], args: Arguments) -> None:
    """Sort a list in place; by a key, or unless all is known, any item may come to any place."""
    reverse = args.keywords.get("reverse", False)
    order = None
    if "key" not in args.keywords and isinstance(reverse, bool):
        order = ordered(items, m.allowance, reverse=reverse)
    if order is not None:
        items[:] = [items[place] for place in order]
    elif items:
        further = [item for item in items if is_further(item)]
        known = [item for item in items if not is_further(item)]
        items[:] = [m.join(known)] * len(known) + further


def _call_many(m: Machine, receiver: Many, name: str, arguments: Arguments, site: Site) -> Value:
    match name:
        case "__iter__" | "copy":
            return receiver
        case "next" | "__next__" | "pop":
            return receiver.element
        case "append" | "extend":
            note_perhaps_optimized(m, arguments.values)
            return None
    return m.call_unknown(receiver, arguments, site)
