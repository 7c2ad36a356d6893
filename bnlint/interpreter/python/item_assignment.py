"""Storing into containers and taking out of them: ``owner[key] = value``, ``del owner[key]``."""

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import is_further, may_be_absent
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    Scope,
)
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import (
    SOME_ITEMS,
    Arguments,
    Configuration,
    Maybe,
    Tensor,
    Unknown,
    Value,
    present,
)
from bnlint.interpreter.evaluation import is_key
from bnlint.interpreter.library.torch_library.state_dicts import (
    REBOUND,
    is_state_dict,
)
from bnlint.interpreter.python.configurations import put
from bnlint.interpreter.torch.containers import delete_child
from bnlint.interpreter.torch.exchanged_parts import put_in
from bnlint.interpreter.torch.modules import (
    is_container,
    modules_in,
)
from bnlint.interpreter.torch.parameters import is_parameter
from bnlint.interpreter.torch.states import changed_in_place
from bnlint.interpreter.torch.weight_fills import draw


def store_item(m: Machine, target: cst.Subscript, value: Value, scope: Scope) -> None:
    """``owner[key] = value``."""
    owner = _owner_of_item(m, target.value, scope)
    parts = [part.slice for part in target.slice]
    index = parts[0] if len(parts) == 1 else None
    key = m.evaluate(index.value, scope) if isinstance(index, cst.Index) else Unknown("slice")
    match owner:
        case Instance(cls=Class() as cls) if isinstance(
            method := cls.find("__setitem__"), Function
        ):
            m.call(Method(method, owner), Arguments([key, value]), m.site(target, scope), scope)
        case Configuration() if not isinstance(key, Unknown | Tensor) and is_key(key):
            put(m, owner, key, value)
        case dict() if not isinstance(key, Unknown | Tensor) and is_key(key):
            m.heap.touch(owner)
            owner[key] = value
            name_by_key(value, key)
        case list() if isinstance(key, int) and -len(owner) <= key < len(owner):
            m.heap.touch(owner)
            owner[key] = value
        case list() if isinstance(index, cst.Slice):
            forget_items(m, owner)
        case dict() | list():
            _store_somewhere(m, owner, value)
        case Builtin(receiver=Namespace() as module, name="__dict__") if isinstance(key, str):
            m.heap.put(module.names, key, value)
        case Instance() if owner.is_module:
            put_in(m, owner, key, value)
        case Instance() if is_state_dict(owner):
            m.heap.put(owner.attributes, REBOUND, True)
        case Instance() if is_parameter(owner):
            draw(m, owner, None)
        case Tensor() if isinstance(target.value, cst.Name) or owner.state is not None:
            if isinstance(key, Tensor) and isinstance(value, Tensor):
                _note_kept_by_sample(m, key, value)
            _store_into_tensor(m, owner, value, target, scope)


def _owner_of_item(m: Machine, node: cst.BaseExpression, scope: Scope) -> Value:
    """What ``owner[key] = value`` changes; of ``module._modules`` the module itself."""
    match node:
        case cst.Attribute(value=holder, attr=cst.Name("_modules")):
            module = m.evaluate(holder, scope)
            if isinstance(module, Instance) and module.is_module:
                return module
    return m.evaluate(node, scope)


def name_by_key(value: Value, key: Value) -> None:
    """What a dict holds under a key is called so, unless it has a name already."""
    if isinstance(value, Instance) and isinstance(key, str) and not value.names:
        value.names.append(str(key))


def delete_item(m: Machine, owner: Value, key: Value, site: Site, scope: Scope) -> None:
    """``del owner[key]``; containers of modules number what is left anew."""
    match owner:
        case Instance(cls=Class() as cls) if isinstance(
            method := cls.find("__delitem__"), Function
        ):
            m.call(Method(method, owner), Arguments([key]), site, scope)
        case dict() | list() if isinstance(key, int | str | slice):
            m.heap.touch(owner)
            try:
                del owner[key]  # type: ignore[arg-type]
            except (KeyError, IndexError, TypeError, ValueError):
                return
        case list():
            forget_items(m, owner)
        case Instance() if owner.is_module and is_container(owner):
            delete_child(m, owner, key)


def forget_items(m: Machine, items: list[Value]) -> None:
    """Nothing is known any more of a list's items, nor their number."""
    m.heap.touch(items)
    items[:] = [Unknown(SOME_ITEMS)]


def _store_somewhere(m: Machine, owner: dict[Value, Value] | list[Value], value: Value) -> None:
    m.heap.touch(owner)
    if isinstance(owner, list):
        owner[:] = [_perhaps_set(m, item) for item in owner]
        return
    kept = {key: item for key, item in owner.items() if may_be_absent(key)}
    other = Unknown("item set by an unknown key")
    owner.update({k: _or(m, item, other) for k, item in owner.items()})
    owner.update(kept)
    if modules_in(value):
        owner[Unknown(SOME_ITEMS)] = Maybe(Unknown("item under an unknown key"))
        return
    place, before = next(iter(kept.items()), (Unknown(SOME_ITEMS), None))
    one = _one_of_many(m, value)
    owner[place] = Maybe(one if before is None else m.join([present(before), one]))


def _one_of_many(m: Machine, value: Value) -> Value:
    """What a key that is not known finds where such a value is under another one: it, or another."""
    match value:
        case Tensor():
            return m.join([value, Unknown("item under another key")])
        case list() | tuple() if tensors_in(value):
            return tuple(_one_of_many(m, item) for item in value)
        case Instance(cls=Class()):
            return value
        case _ if tensors_in([value]):
            return value
    return Unknown("item under an unknown key")


def _perhaps_set(m: Machine, item: Value) -> Value:
    """An item that may be another now; what says that there may be fewer or more still does."""
    if is_further(item) or may_be_absent(item):
        return Maybe(Unknown("item")) if isinstance(item, Maybe) else item
    return _or(m, item, Unknown("item set by an unknown index"))


def _or(m: Machine, item: Value, other: Unknown) -> Value:
    """An item that may be another one now: a tensor may still be trained on or measured."""
    return m.join([item, other]) if type(item) is Tensor else other


def _note_kept_by_sample(m: Machine, key: Tensor, value: Tensor) -> None:
    """``scores[indices] = model(images)``: what a loader's indices put where they say are its predictions."""
    if m.grad is Known.NO and not m.modules and key.loaders and key.loaders == value.loaders:
        m.journal.measure([value])


def _store_into_tensor(
    m: Machine, owner: Tensor, value: Value, target: cst.Subscript, scope: Scope
) -> None:
    inputs = [owner, value] if isinstance(value, Tensor) else [owner]
    site = m.site(target, scope)
    changed = m.tape.tensor(Kind.OTHER, "setitem", inputs, site, shape=owner.shape, batch=True)
    changed = changed_in_place(m, changed, owner, site)
    if isinstance(target.value, cst.Name):
        m.heap.put(scope.names, target.value.value, changed)
