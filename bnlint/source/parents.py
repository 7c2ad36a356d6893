"""Which node holds which, found by one walk over the tree."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import fields
from functools import cache

import libcst as cst

from bnlint.immutable import immutable

_SKIPPED = (
    *("whitespace", "trailing_whitespace", "leading_lines", "lines_after", "header", "footer"),
    *("lpar", "rpar", "comma", "semicolon", "dot", "equal"),
)


@immutable
class Parents:
    """The parent of every node that is not mere whitespace or punctuation."""

    of_node: Mapping[cst.CSTNode, cst.CSTNode]

    @classmethod
    def of(cls, tree: cst.Module) -> "Parents":
        """Walk the tree, without recursion, since code may nest deeply."""
        found: dict[cst.CSTNode, cst.CSTNode] = {}
        pending: list[cst.CSTNode] = [tree]
        while pending:
            node = pending.pop()
            for child in children(node):
                found[child] = node
                pending.append(child)
        return cls(found)

    def above(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield the nodes that hold ``node``, from the inside out."""
        parent = self.of_node.get(node)
        while parent is not None:
            yield parent
            parent = self.of_node.get(parent)


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """A node's children, without whitespace and punctuation."""
    found: list[cst.CSTNode] = []
    for name in _child_fields(type(node)):
        value = getattr(node, name)
        kind = type(value)
        if kind is tuple or kind is list:
            found += value
        elif _is_node(kind):  # type: ignore[arg-type]
            found.append(value)
    return found


def below(node: cst.CSTNode, but: Container[type] = ()) -> Iterator[cst.CSTNode]:
    """Yield what a node holds, and what that holds, but nothing of some types."""
    pending = children(node)
    while pending:
        inner = pending.pop()
        if type(inner) not in but:
            yield inner
            pending += children(inner)


@cache
def _is_node(kind: type[object]) -> bool:
    return issubclass(kind, cst.CSTNode)


@cache
def _child_fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not field.name.startswith(_SKIPPED))
