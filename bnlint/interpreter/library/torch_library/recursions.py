"""Functions that go down a tree of modules by themselves."""

import libcst as cst

from bnlint.interpreter.core.objects import Function
from bnlint.interpreter.core.values import Value
from bnlint.source.parents import below

CHILDREN = frozenset({"children", "named_children", "_modules"})


def goes_down(function: Value) -> bool:
    """Whether a function calls itself for all children of a module: for the root it does all there is to do."""
    if not isinstance(function, Function):
        return False
    loops = (node for node in below(function.node.body) if isinstance(node, cst.For))
    return any(_names_children(loop.iter) and _calls(loop.body, function.name) for loop in loops)


def _names_children(node: cst.CSTNode) -> bool:
    attributes = (inner for inner in (node, *below(node)) if isinstance(inner, cst.Attribute))
    return any(attribute.attr.value in CHILDREN for attribute in attributes)


def _calls(body: cst.CSTNode, name: str) -> bool:
    calls = (inner.func for inner in below(body) if isinstance(inner, cst.Call))
    return any(isinstance(callee, cst.Name) and callee.value == name for callee in calls)
