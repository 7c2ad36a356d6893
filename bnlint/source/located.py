"""From places as Python's own compiler gives them to the nodes that stand there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from bnlint.source.positions import Positions

_EXPRESSIONS = (
    cst.Call,
    cst.BinaryOperation,
    cst.UnaryOperation,
    cst.AugAssign,
    cst.Subscript,
    cst.Attribute,
    cst.Comparison,
    cst.ClassDef,
    cst.FunctionDef,
)
"""What can be a place of interest; of nodes with the same place the first kind counts."""


@dataclass(frozen=True, slots=True)
class Located:
    """The nodes of a file by their stretch of its text, in character offsets."""

    nodes: Mapping[tuple[int, int], cst.CSTNode]
    positions: Positions
    text: str

    @classmethod
    def of(cls, tree: cst.Module, positions: Positions, text: str) -> "Located":
        """Index the nodes of ``tree``."""
        found: dict[tuple[int, int], cst.CSTNode] = {}
        for node in _nodes(tree):
            place = positions.offsets(node)
            known = found.get(place)
            if known is None or _rank(node) < _rank(known):
                found[place] = node
        return cls(found, positions, text)

    def node(self, line: int, column: int, end_line: int, end_column: int) -> cst.CSTNode | None:
        """The node at a place: lines from 1, columns from 0 in bytes of UTF-8."""
        if not 1 <= line <= end_line <= len(self.positions.lines.starts):
            return None
        return self.nodes.get((self._offset(line, column), self._offset(end_line, end_column)))

    def definition(self, line: int) -> cst.CSTNode | None:
        """The class or function whose ``class`` or ``def``, or first decorator, is on a line."""
        for node in self.nodes.values():
            if isinstance(node, cst.ClassDef | cst.FunctionDef) and self._starts(node, line):
                return node
        return None

    def _starts(self, node: cst.ClassDef | cst.FunctionDef, line: int) -> bool:
        start = self.positions.lines.place(self.positions.offsets(node)[0])[0]
        first = node.decorators[0] if node.decorators else node
        return self.positions.lines.place(self.positions.offsets(first)[0])[0] <= line <= start

    def _offset(self, line: int, column: int) -> int:
        start = self.positions.lines.starts[line - 1]
        before = self.text[start : start + column]
        if not before.isascii():
            before = before.encode()[:column].decode(errors="ignore")
        return start + len(before)


def _nodes(tree: cst.Module) -> Iterator[cst.CSTNode]:
    pending: list[cst.CSTNode] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, _EXPRESSIONS):
            yield node
        pending.extend(node.children)


def _rank(node: cst.CSTNode) -> int:
    return _EXPRESSIONS.index(type(node))
