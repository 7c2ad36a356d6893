"""Which node holds which, found by one walk over the tree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache

import libcst as cst

_SKIPPED = ("whitespace", "lpar", "rpar", "leading_lines", "lines_after", "header", "footer")


@dataclass(frozen=True, slots=True)
class Parents:
    """The parent of every node that is not mere whitespace."""

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


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield a node's children, without whitespace and parentheses."""
    for name in _child_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, cst.CSTNode))


@cache
def _child_fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not field.name.startswith(_SKIPPED))
