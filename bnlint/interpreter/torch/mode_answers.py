"""Forwards that do the same in both modes, or return something else in train mode: losses, say."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Function, Instance
from bnlint.interpreter.core.values import Value
from bnlint.source.name_bindings import dotted
from bnlint.source.parents import below
from bnlint.vocabulary.words import words

_LIBRARY = words("inception googlenet Inception3 GoogLeNet")
"""Published classifiers whose output has auxiliary parts in train mode, by their names' start."""
_DETECTION = "torchvision.models.detection."
_DEEPEST = 4
Assigned = tuple[str, cst.BaseExpression]
"""A name, and what a body binds it to."""
_SCOPES = frozenset({cst.FunctionDef, cst.Lambda, cst.ClassDef})
_TRUTHS = (cst.Attribute, cst.BooleanOperation, cst.UnaryOperation, cst.Comparison)
_DISPLAYS = (cst.Dict, cst.Tuple, cst.List, cst.Set, cst.DictComp, cst.ListComp)


@immutable
class ByMode:
    """A forward returns something else in train mode than in eval mode, as ``site`` decides.

    ``site`` is ``None`` for a library's forward.
    """

    site: Site | None = None


def answers_by_mode(module: Instance) -> ByMode | None:
    """Whether a module's forward may return something else in train mode than in eval mode.

    A forward that only changes the values of a tensor, as dropout does, is not meant.
    """
    return _answers_by_mode(module, _DEEPEST)


def ignores_mode(module: Instance) -> bool:
    """Whether a project's forward of a library layer computes the same in both modes.

    One that never asks for the mode, nor calls the forward that it replaces, does: it always
    normalises by the batch, or never.
    """
    forward = module.cls.find("forward") if module.cls is not None else None
    return isinstance(forward, Function) and not _asks(module, forward, _DEEPEST)


def _asks(module: Instance, function: Function, depth: int) -> bool:
    """Whether a method of a layer, or one that it calls, may ask for the mode."""
    if depth == 0 or not isinstance(function.node, cst.FunctionDef):
        return True
    asks, calls = _questions(function, function.node)
    called = [module.cls.find(name) for name in calls] if module.cls is not None else []
    return asks or any(isinstance(f, Function) and _asks(module, f, depth - 1) for f in called)


def _questions(method: Function, definition: cst.FunctionDef) -> tuple[bool, frozenset[str]]:
    """Whether a method itself may ask for the mode, and the methods of its object that it calls."""
    known = method.scope.namespace.mode_questions
    if definition not in known:
        known[definition] = _read_questions(definition)
    return known[definition]


def _read_questions(method: cst.FunctionDef) -> tuple[bool, frozenset[str]]:
    asks, calls = False, set()
    for node in _nodes(method.body):
        match node:
            case cst.Attribute(attr=cst.Name(value="training" | "forward" | "__call__")):
                asks = True
            case cst.Call(func=cst.Attribute(value=cst.Name(value="self"), attr=attr)):
                calls.add(attr.value)
    return asks, frozenset(calls)


def _answers_by_mode(module: Instance, depth: int) -> ByMode | None:
    if module.cls is None:
        return ByMode() if _is_known(module.library) else _last_answers(module, depth)
    forward = module.cls.find("forward")
    if not isinstance(forward, Function):
        return ByMode() if _is_known(module.library) else None
    return _returns_by_mode(module, forward, depth)


def _returns_by_mode(module: Instance, method: Value, depth: int) -> ByMode | None:
    """Whether a method returns something else in train mode, by itself or by what it calls."""
    if not isinstance(method, Function) or not isinstance(method.node, cst.FunctionDef):
        return None
    decides, values = _returns(method, method.node)
    if decides is not None:
        return ByMode(Site(method.scope.namespace.source, decides))
    if depth == 0:
        return None
    called = (_answer_of_called(module, method, value, depth - 1) for value in values)
    return next((answer for answer in called if answer is not None), None)


Returned = tuple[cst.CSTNode | None, tuple[cst.CSTNode, ...]]
"""What decides by the mode what a body returns, if anything does, and what it returns."""


def _returns(method: Function, definition: cst.FunctionDef) -> Returned:
    """What decides by the mode what a method itself returns, and what it returns."""
    known = method.scope.namespace.mode_returns
    if definition not in known:
        known[definition] = _read_returns(definition)
    return known[definition]


def _read_returns(method: cst.FunctionDef) -> Returned:
    nodes = [*_nodes(method.body)]
    assigned = [*_assigned(nodes)]
    modes = {"self.training", *_kept_modes(assigned)}
    tests = [node for node in nodes if type(node) is cst.If and _mentions(node.test, modes)]
    returned = [node.value for node in nodes if type(node) is cst.Return if node.value]
    names = {node.value for value in returned for node in _names(value)}
    deciding: Iterator[cst.CSTNode] = chain(
        (node.test for node in tests if _decides_on_return(node)),
        (value for value in returned if _is_either(value, modes)),
        (node.test for node in tests if _adds_to(node, names, assigned)),
        _absent(assigned, names, modes),
    )
    return next(deciding, None), tuple(_values(assigned, returned, names))


def _kept_modes(assigned: Sequence[Assigned]) -> Iterator[str]:
    """The names that a method keeps its mode under."""
    for name, value in assigned:
        if isinstance(value, _TRUTHS) and _mentions(value, {"self.training"}):
            yield name


def _is_known(library: str) -> bool:
    name = library.rpartition(".")[2]
    return library.startswith(_DETECTION) or name.startswith(_LIBRARY)


def _last_answers(module: Instance, depth: int) -> ByMode | None:
    """Whether the last part of a container does."""
    parts = [part for part in module.attributes.values() if isinstance(part, Instance)]
    return _answers_by_mode(parts[-1], depth - 1) if parts and depth > 0 else None


def _decides_on_return(test: cst.If) -> bool:
    return any(isinstance(inner, cst.Return) for inner in _branches(test))


def _branches(test: cst.If) -> Iterator[cst.CSTNode]:
    """What runs only if a test holds, or only if it does not."""
    yield from _nodes(test.body)
    if test.orelse is not None:
        yield from _nodes(test.orelse)


def _is_either(value: cst.BaseExpression, modes: set[str]) -> bool:
    """Whether a value is chosen by the mode: ``(a, b)[self.training]``."""
    match value:
        case cst.IfExp(test=test):
            return _mentions(test, modes)
        case cst.Call(func=chosen):
            return _is_either(chosen, modes)
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=key))]):
            return _mentions(key, modes)
    return False


def _adds_to(test: cst.If, returned: set[str], assigned: Sequence[Assigned]) -> bool:
    """Whether a test of the mode decides about an entry or the kind of what is returned."""
    absent = {name for name, value in assigned if _is_none(value)}
    return any(_gives_parts(inner, returned, absent) for inner in _branches(test))


def _gives_parts(node: cst.CSTNode, returned: set[str], absent: set[str]) -> bool:
    match node:
        case cst.AssignTarget(target=cst.Subscript(value=cst.Name(value=name))):
            return name in returned
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
            return name in returned and (isinstance(value, _DISPLAYS) or name in absent)
        case cst.AugAssign(target=cst.Name(value=name), value=value):
            return name in returned and isinstance(value, _DISPLAYS)
        case cst.Call(func=cst.Attribute(value=cst.Name(value=name), attr=attr)):
            return name in returned and attr.value in ("update", "append", "extend")
    return False


def _absent(
    assigned: Sequence[Assigned], returned: set[str], modes: set[str]
) -> Iterator[cst.CSTNode]:
    """What makes something that is returned ``None``, or of another kind, in one of the modes."""
    for name, value in assigned:
        if name not in returned or not isinstance(value, cst.IfExp):
            continue
        sides = (value.body, value.orelse)
        if any(_is_none(side) or isinstance(side, _DISPLAYS) for side in sides):
            yield from [value.test] if _mentions(value.test, modes) else []


def _is_none(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.Name) and value.value == "None"


def _mentions(test: cst.BaseExpression, modes: set[str]) -> bool:
    return any(dotted(node) in modes for node in chain([test], _nodes(test)))


def _assigned(nodes: Iterable[cst.CSTNode]) -> Iterator[Assigned]:
    for node in nodes:
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
                yield name, value


def _values(
    assigned: Sequence[Assigned], returned: list[cst.BaseExpression], names: set[str]
) -> Iterator[cst.CSTNode]:
    """What is returned, and what the returned names are bound to."""
    yield from returned
    yield from (value for name, value in assigned if name in names)


def _answer_of_called(
    module: Instance, caller: Function, value: cst.CSTNode, depth: int
) -> ByMode | None:
    """Whether a value is the output of a part or a method that returns by mode."""
    match value:
        case cst.Call(func=cst.Attribute(value=cst.Name(value="self"), attr=attr)):
            after = None
            part = module.attributes.get(attr.value)
        case cst.Call(func=cst.Attribute(value=cst.Call(func=cst.Name(value="super")), attr=attr)):
            after, part = caller.owner, None
        case _:
            return None
    if isinstance(part, Instance) and part.is_module:
        return _answers_by_mode(part, depth)
    if part is not None or module.cls is None:
        return None
    return _returns_by_mode(module, module.cls.find(attr.value, after), depth)


def _names(value: cst.CSTNode) -> Iterator[cst.Name]:
    return (node for node in chain([value], _nodes(value)) if isinstance(node, cst.Name))


def _nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """All nodes below one that run with it."""
    return below(node, _SCOPES)
