"""Parts of models that a program exchanges for others, under names that may not be known."""

from collections.abc import Iterable

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.torch.modules import (
    children,
    descendants,
    modules_in,
    next_name,
    register_child,
)
from bnlint.interpreter.torch.parameters import is_opaque


def put_in(m: Machine, owner: Instance, name: Value, value: Value) -> None:
    """``owner._modules[name] = value``."""
    known = isinstance(name, str | int)
    register_child(m, owner, str(name) if known else next_name(owner), value)


def exchange_all(m: Machine, owner: Instance, value: dict[Value, Value]) -> None:
    """``owner._modules = {...}``: these are all its parts."""
    if m.recipes is not None:
        m.recipes.note_deleted(owner)
    m.heap.structure += 1
    for name, _ in children(owner):
        m.heap.remove(owner.attributes, name)
    for part, module in value.items():
        put_in(m, owner, part, module)


def put_somewhere(m: Machine, models: Iterable[Instance], value: Value) -> None:
    """Put a module into what is not known, but may be a part of some models."""
    if not modules_in(value):
        return
    parts = dict.fromkeys(part for model in models for _, part in descendants(m, model))
    for part in filter(is_opaque, parts):
        register_child(m, part, next_name(part), value)


def models_at_hand(scope: Scope, *values: Value) -> list[Instance]:
    """The models that some values or the names of a function stand for."""
    return modules_in([*values, *scope.names.values()])


def set_submodule(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    """``module.set_submodule(path, value)``."""
    path, value = args.get(0, "target"), args.get(1, "module")
    owner: Value = module if isinstance(path, str) else None
    *parents, last = path.split(".") if isinstance(path, str) else [""]
    for name in parents:
        owner = m.attribute(owner, name, site.node, scope)  # type: ignore[arg-type]
    if isinstance(owner, Instance) and owner.is_module:
        put_in(m, owner, last, value)
    else:
        put_somewhere(m, [module], value)
    return None
