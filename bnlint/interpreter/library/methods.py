"""Methods of values that the interpreter itself implements, by the type of their receiver."""

import builtins

from bnlint.facts.site import Site
from bnlint.interpreter.construction import initialise_library
from bnlint.interpreter.forward import run_library
from bnlint.interpreter.iteration import elements, forget_items, grown
from bnlint.interpreter.library.module_methods import call_module_method
from bnlint.interpreter.library.object_methods import call_object_method
from bnlint.interpreter.library.parameter_methods import call_parameter_method
from bnlint.interpreter.library.tensor_functions import call_tensor_method
from bnlint.interpreter.machine import CALLS, Machine, handles
from bnlint.interpreter.objects import Builtin, Class, Instance, Scope, Super
from bnlint.interpreter.parameters import is_parameter
from bnlint.interpreter.values import (
    SOME_ITEMS,
    Arguments,
    Library,
    Many,
    Tensor,
    Unknown,
    Value,
    is_known,
)
from bnlint.interpreter.vectors import METHODS as VECTOR_METHODS
from bnlint.interpreter.vectors import Vector


@handles(CALLS, Builtin)
def _call_builtin(
    m: Machine, builtin: Builtin, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    receiver, name = builtin.receiver, builtin.name
    match receiver:
        case Builtin(receiver=owner, name="__dict__"):
            key = arguments.get(0, "key")
            if name in ("get", "__getitem__") and isinstance(key, str):
                return m.attribute(owner, key, site.node, scope)  # type: ignore[arg-type]
            return Unknown(name)
        case Tensor():
            return call_tensor_method(m, receiver, name, arguments, site)
        case Super():
            return _call_super(m, receiver, name, arguments, site, scope)
        case Instance() if is_parameter(receiver):
            return call_parameter_method(m, receiver, name, arguments, site)
        case Instance(is_module=True):
            return call_module_method(m, receiver, name, arguments, site, scope)
        case Instance():
            return call_object_method(m, receiver, name, arguments, site, scope)
        case list() | dict() | set() | str() | tuple() | bytes():
            return _call_plain(m, receiver, name, arguments, site)
        case int() | float() if name in ("item", "tolist", "astype"):
            return receiver
        case Many():
            return _call_many(m, receiver, name, arguments, site)
        case Library():
            return Unknown(name)
    return m.call_unknown(receiver, arguments, site)


def _call_super(
    m: Machine, receiver: Super, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    instance = receiver.receiver
    if not isinstance(instance, Instance):
        return Unknown("super")
    match name:
        case "__init__":
            _initialise_base(m, instance, receiver.after, arguments)
            return None
        case "forward" | "__call__":
            return run_library(m, instance, arguments, site)
    if instance.is_module:
        return call_module_method(m, instance, name, arguments, site, scope)
    return Unknown(f"super().{name}()")


def _initialise_base(m: Machine, instance: Instance, after: Class, arguments: Arguments) -> None:
    base = instance.cls.library_base(after) if instance.cls is not None else None
    if base is not None and instance.library:
        initialise_library(m, instance, arguments)


# -- Python's own containers and strings ------------------------------------------------------

MUTATING = frozenset(
    """append extend insert remove pop clear reverse sort update setdefault add discard popitem
    __setitem__ appendleft popleft move_to_end""".split()
)


def _call_plain(m: Machine, receiver: Value, name: str, arguments: Arguments, site: Site) -> Value:
    if name in MUTATING and isinstance(receiver, list | dict | set):
        return _mutate(m, receiver, name, arguments)
    match receiver:
        case Vector() if name in VECTOR_METHODS:
            return _call_vector(receiver, name, arguments)
        case dict():
            return _read_dict(receiver, name, arguments)
        case list() | tuple() if name in ("index", "count", "copy"):
            pass
        case str() | bytes() if name != "format" or is_known(arguments.values):
            pass
        case _:
            return m.call_unknown(receiver, arguments, site)
    if not all(is_known(value) for value in arguments.values):
        return Unknown(f"{name}()")
    try:
        return getattr(receiver, name)(*arguments.positional, **arguments.keywords)
    except (AttributeError, TypeError, ValueError, IndexError, KeyError, LookupError):
        return Unknown(f"{name}()")


def _call_vector(receiver: Vector, name: str, arguments: Arguments) -> Value:
    types = [
        getattr(builtins, v.name, v) if isinstance(v, Library) else v for v in arguments.values
    ]
    try:
        return VECTOR_METHODS[name](receiver, *types)
    except (TypeError, ValueError, ArithmeticError):
        return Unknown(f"{name}()")


def _read_dict(receiver: dict[Value, Value], name: str, arguments: Arguments) -> Value:
    match name:
        case "keys":
            return list(receiver)
        case "values":
            return list(receiver.values())
        case "items":
            return list(receiver.items())
        case "copy":
            return dict(receiver)
        case "get":
            key = arguments.get(0, "key")
            if isinstance(key, str | int | float | bool | tuple | None):
                return receiver.get(key, arguments.get(1, "default"))
    return Unknown(f"dict.{name}()")


def _mutate(
    m: Machine, receiver: list[Value] | dict[Value, Value] | set[Value], name: str, args: Arguments
) -> Value:
    m.heap.touch(receiver)
    values = list(args.positional)
    if name in ("extend", "update") and values:
        items = values[0] if isinstance(values[0], dict) else elements(m, values[0])
        if items is None:
            if isinstance(receiver, list):
                receiver.append(Unknown(SOME_ITEMS))
            return None
        values = [items if isinstance(items, dict) else grown(m, items)]
    if name == "append" and isinstance(receiver, list):
        receiver.extend(grown(m, values[:1]))
        return None
    if name == "sort" and isinstance(receiver, list):
        _sort(m, receiver, args)
        return None
    try:
        result = getattr(receiver, name)(*values)
    except (AttributeError, TypeError, ValueError, IndexError, KeyError):
        result = Unknown(f"{name}()")
        if isinstance(receiver, list):
            forget_items(m, receiver)
    if name == "update" and isinstance(receiver, dict):
        receiver.update(args.keywords)
    return result


def _sort(m: Machine, items: list[Value], args: Arguments) -> None:
    """Sort a list in place; by a key, or unless all is known, any item may come to any place."""
    reverse = args.keywords.get("reverse", False)
    try:
        if "key" not in args.keywords and isinstance(reverse, bool) and is_known(items):
            items.sort(reverse=reverse)
            return
    except TypeError:
        pass
    if items:
        items[:] = [m.join(items)] * len(items)


def _call_many(m: Machine, receiver: Many, name: str, arguments: Arguments, site: Site) -> Value:
    match name:
        case "__iter__" | "copy":
            return receiver
        case "next" | "__next__" | "pop":
            return receiver.element
        case "append" | "extend":
            return None
    return m.call_unknown(receiver, arguments, site)
