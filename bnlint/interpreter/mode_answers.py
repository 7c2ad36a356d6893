"""Forwards that do the same in both modes, or return something else in train mode: losses, say."""

from collections.abc import Iterator
from itertools import chain

import libcst as cst

from bnlint.interpreter.namespaces import dotted
from bnlint.interpreter.objects import Function, Instance
from bnlint.source.parents import below
from bnlint.vocabulary.words import words

_LIBRARY = words("inception googlenet Inception3 GoogLeNet")
"""Published classifiers whose output has auxiliary parts in train mode, by their names' start."""
_DETECTION = "torchvision.models.detection."
_DEEPEST = 4
_SCOPES = frozenset({cst.FunctionDef, cst.Lambda, cst.ClassDef})
_DISPLAYS = (cst.Dict, cst.Tuple, cst.List, cst.Set, cst.DictComp, cst.ListComp)


def answers_by_mode(module: Instance) -> bool:
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
    for node in _nodes(function.node.body):
        match node:
            case cst.Attribute(attr=cst.Name(value="training" | "forward" | "__call__")):
                return True
            case cst.Call(func=cst.Attribute(value=cst.Name(value="self"), attr=attr)):
                called = module.cls.find(attr.value) if module.cls is not None else None
                if isinstance(called, Function) and _asks(module, called, depth - 1):
                    return True
    return False


def _answers_by_mode(module: Instance, depth: int) -> bool:
    if module.cls is None:
        return _is_known(module.library) or _ends_so(module, depth)
    forward = module.cls.find("forward")
    if not isinstance(forward, Function) or not isinstance(forward.node, cst.FunctionDef):
        return _is_known(module.library)
    nodes = [*_nodes(forward.node.body)]
    returned = [node.value for node in nodes if type(node) is cst.Return]
    if any(map(_depends, nodes)) or any(map(_is_either, returned)):
        return True
    names = {node.value for value in returned if value for node in _names(value)}
    if any(_adds_to(node, names) for node in nodes):
        return True
    return depth > 0 and any(
        _answers_by_mode(part, depth - 1)
        for value in _values(nodes, returned, names)
        if (part := _called(module, value)) is not None
    )


def _is_known(library: str) -> bool:
    name = library.rpartition(".")[2]
    return library.startswith(_DETECTION) or name.startswith(_LIBRARY)


def _ends_so(module: Instance, depth: int) -> bool:
    """Whether the last part of a container does."""
    parts = [part for part in module.attributes.values() if isinstance(part, Instance)]
    return bool(parts) and depth > 0 and _answers_by_mode(parts[-1], depth - 1)


def _depends(node: cst.CSTNode) -> bool:
    """Whether a test of the mode decides about a ``return``."""
    if type(node) is not cst.If or not _asks_mode(node.test):
        return False
    parts = [node.body] if node.orelse is None else [node.body, node.orelse]
    return any(type(inner) is cst.Return for part in parts for inner in _nodes(part))


def _is_either(value: cst.BaseExpression | None) -> bool:
    return isinstance(value, cst.IfExp) and _asks_mode(value.test)


def _adds_to(node: cst.CSTNode, returned: set[str]) -> bool:
    """Whether a test of the mode decides about an entry or the kind of what is returned."""
    if type(node) is not cst.If or not _asks_mode(node.test):
        return False
    parts = [node.body] if node.orelse is None else [node.body, node.orelse]
    return any(_gives_parts(inner, returned) for part in parts for inner in _nodes(part))


def _gives_parts(node: cst.CSTNode, returned: set[str]) -> bool:
    match node:
        case cst.AssignTarget(target=cst.Subscript(value=cst.Name(value=name))):
            return name in returned
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
            return name in returned and isinstance(value, _DISPLAYS)
        case cst.Call(func=cst.Attribute(value=cst.Name(value=name), attr=attr)):
            return name in returned and attr.value in ("update", "append", "extend")
    return False


def _asks_mode(test: cst.BaseExpression) -> bool:
    return any(dotted(node) == "self.training" for node in chain([test], _nodes(test)))


def _values(
    nodes: list[cst.CSTNode], returned: list[cst.BaseExpression | None], names: set[str]
) -> Iterator[cst.CSTNode]:
    """What is returned, and what the returned names are bound to."""
    yield from (value for value in returned if value is not None)
    for node in nodes:
        match node:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
                if name in names:
                    yield value


def _called(module: Instance, value: cst.CSTNode) -> Instance | None:
    """The part whose output a value is."""
    if not isinstance(value, cst.Call):
        return None
    first, _, rest = dotted(value.func).partition(".")
    part = module.attributes.get(rest) if first == "self" else None
    return part if isinstance(part, Instance) and part.is_module else None


def _names(value: cst.CSTNode) -> Iterator[cst.Name]:
    return (node for node in chain([value], _nodes(value)) if isinstance(node, cst.Name))


def _nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """All nodes below one that run with it."""
    return below(node, _SCOPES)
