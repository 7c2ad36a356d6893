"""What a name that is not known may mean: one of a registry's models, or of a module's.

``MODELS[name]``, ``models.__dict__[name]`` and ``getattr(models, name)`` build one model or another. What is
wrong with one of them is wrong where that is chosen, so that a few stand for a long list.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.interpreter.core.joins import MOST_ALTERNATIVES
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Function, Partial, Scope
from bnlint.interpreter.core.values import Library, Text, Unknown, Value
from bnlint.interpreter.library.torch_library.models import contains_batchnorm
from bnlint.interpreter.torch.module_classes import is_module_class
from bnlint.interpreter.torch.modules import CONTAINERS
from bnlint.source.name_bindings import dotted
from bnlint.source.parents import below
from bnlint.vocabulary.packages import builds_model

MOST_TRIED = 5
"""Entries of a long registry that stand for all of them."""
MOST_NAMES = 200
"""Names of a module that are looked at."""
_DEEPEST = 3
"""Functions within functions that are asked what they return."""
_APART = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})


def one_of(m: Machine, items: Sequence[Value]) -> Value:
    """One of several values; many that build something are a few of them, or another one."""
    if len(items) > MOST_ALTERNATIVES and all(map(builds_something, items)):
        each = {id(item): item for item in items}
        few = sorted(each.values(), key=partial(_is_silent, m))[:MOST_TRIED]
        return m.join([*few, Unknown("item")])
    return m.join(items) if items else Unknown("item")


def builds_something(value: Value) -> bool:
    """Whether a value is called to get another one: it is of the project, or of a package of models."""
    if isinstance(value, Library):
        return builds_model(value.path)
    return isinstance(value, Function | Class | Partial)


def _is_silent(m: Machine, value: Value) -> bool:
    """Whether neither the file that something is defined in speaks of BatchNorm, nor one that it uses."""
    match value:
        case Library(path=path) | Partial(callee=Library(path=path)):
            return contains_batchnorm(path, {}) is not Known.YES
        case (
            Function(node=node, scope=Scope(namespace=space)) | Class(node=node, namespace=space)
        ) if not space.source.mentions("BatchNorm"):
            names = {n.value for n in below(node) if type(n) is cst.Name}
            used = (space.own(m, name) for name in sorted(names & space.definitions.keys()))
            return not any(map(is_of_batchnorm, used))
    return not is_of_batchnorm(value)


def names_batchnorm(m: Machine, value: Value, depth: int = _DEEPEST) -> bool:
    """Whether what something is defined by names BatchNorm, or uses something of its file that does."""
    m.step()
    match value:
        case Library(path=path) | Partial(callee=Library(path=path)):
            return contains_batchnorm(path, {}) is Known.YES
        case Partial(callee=callee):
            return names_batchnorm(m, callee, depth)
        case Function(node=node, scope=Scope(namespace=space)) | Class(node=node, namespace=space):
            names = {n.value for n in below(node) if type(n) is cst.Name}
            if any("BatchNorm" in name for name in names):
                return True
            used = (space.own(m, name) for name in sorted(names & space.definitions.keys()))
            return depth > 0 and any(names_batchnorm(m, one, depth - 1) for one in used)
    return False


def is_of_batchnorm(value: Value) -> bool:
    """Whether the file that a function or class is defined in speaks of BatchNorm."""
    match value:
        case Function(scope=Scope(namespace=space)) | Class(namespace=space):
            return space.source.mentions("BatchNorm")
    return False


def must_be_given(key: Value) -> bool:
    """Whether a key that is not there is an option's default, so that another one has to be given."""
    return isinstance(key, Text) and key.option is not None and key.given_by is None


def note_lookup(m: Machine, table: Value, key: Value, node: cst.CSTNode) -> None:
    """Something is looked up in a dict or a module, which may be by an option."""
    if m.command_line.note_table(table, key, _key_of(node)):
        for reads in m.readings:
            reads.fixed = False


def _key_of(node: cst.CSTNode) -> cst.BaseExpression | None:
    match node:
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return key
        case cst.Call(func=cst.Name(), args=[_, cst.Arg(value=key), *_]):
            return key
        case cst.Call(args=[cst.Arg(value=key), *_]):
            return key
    return None


def member(m: Machine, module: Namespace, key: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """``module.__dict__[key]`` and ``getattr(module, key)``."""
    note_lookup(m, module, key, node)
    named: Value = Unknown("item", m.site(node, scope), key)
    if isinstance(key, str):
        named = m.attribute(module, key, node, scope)
        if type(named) is not Unknown or not must_be_given(key):
            return named
    found = _one_of_module(m, module)
    return named if type(found) is Unknown else found


def _one_of_module(m: Machine, module: Namespace) -> Value:
    """One of the models that a module describes, or builds."""
    return one_of(m, models_of(m, module))


def models_of(m: Machine, module: Namespace) -> Sequence[Function | Class]:
    """What describes a module's models, or builds them: its functions, or else its classes."""
    found: dict[Value, None] = {}
    for name in _public_names(m, module)[:MOST_NAMES]:
        m.step()
        value = module.lookup(m, name)
        if isinstance(value, Function | Class) and _builds_model(m, value, _DEEPEST):
            found[value] = None
    functions = [value for value in found if isinstance(value, Function)]
    classes = [value for value in found if isinstance(value, Class)]
    describing = [cls for cls in classes if not _is_model_class(cls)]
    return _wholes(describing or functions or classes)


def _wholes(makers: Sequence[Function | Class]) -> Sequence[Function | Class]:
    """Those of several functions or classes of which none of the others makes a part."""
    named = {one: {n.value for n in below(one.node) if type(n) is cst.Name} for one in makers}
    return [
        one
        for one in makers
        if not any(one.name in named[other] for other in makers if other is not one)
    ] or makers


def _public_names(m: Machine, module: Namespace) -> list[str]:
    """The names that a module defines and imports, also with stars, in order."""
    starred = (s for s in module.starred(m.namespaces) if isinstance(s, Namespace))
    exported = (name for space in starred for name in _exported_names(m, space))
    names = dict.fromkeys((*module.definitions, *exported))
    return [name for name in names if not name.startswith("_")]


def _exported_names(m: Machine, module: Namespace) -> Iterator[str]:
    """The names that a star import brings: what a module defines, and imports if ``__all__`` does not leave it out."""
    listed = module.own(m, "__all__")
    for name, nodes in module.definitions.items():
        imported = isinstance(nodes[0], cst.Import | cst.ImportFrom)
        if not (imported and isinstance(listed, list) and name not in listed):
            yield name


def _builds_model(m: Machine, value: Value, depth: int) -> bool:
    """Whether calling something gives a module: it is a class of modules, or returns one's object.

    Raises:
        BudgetExceeded: the entry point has used its steps.
    """
    m.step()
    match value:
        case Class():
            return _is_model_class(value) or _describes_model(value)
        case Function(node=cst.FunctionDef() as node) if depth:
            space = value.scope.namespace
            callees = (m.evaluate(callee, space.scope) for callee in _returned_calls(node))
            return any(_builds_model(m, callee, depth - 1) for callee in callees)
        case Library(path=path):
            return path in CONTAINERS or contains_batchnorm(path, {}) is not Known.UNKNOWN
    return False


def _is_model_class(cls: Class) -> bool:
    base = cls.library_base()
    return base is not None and is_module_class(base.path)


def _describes_model(cls: Class) -> bool:
    """Whether a class has a class of modules as an attribute, as ``model.base(*model.args)`` builds it."""
    own = (value for c in cls.mro if isinstance(c, Class) for value in c.names.values())
    return any(isinstance(value, Class) and _is_model_class(value) for value in own)


def _returned_calls(function: cst.FunctionDef) -> Iterator[cst.BaseExpression]:
    """The functions and classes, by their dotted names, whose result a function returns."""
    made: dict[str, list[cst.BaseExpression]] = {}
    returned: list[cst.CSTNode] = []
    for node in below(function.body, _APART):
        match node:
            case cst.Assign(
                targets=[cst.AssignTarget(target=cst.Name(value=name))],
                value=cst.Call(func=callee),
            ) if dotted(callee):
                made.setdefault(name, []).append(callee)
            case cst.Return(value=cst.CSTNode() as value):
                returned.append(value)
    for result in returned:
        match result:
            case cst.Call(func=callee) if dotted(callee):
                yield callee
            case cst.Name(value=name):
                yield from made.get(name, ())
