"""From places as Python's own compiler gives them to the nodes that stand there."""

from collections.abc import Iterator, Mapping

import libcst as cst

from bnlint.immutable import immutable
from bnlint.source.parents import children
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
)
"""What can be a place of interest; of nodes with the same place the first kind counts."""
_STATEMENTS = (cst.BaseSmallStatement, cst.BaseCompoundStatement)


@immutable
class Located:
    """The nodes of a file by their stretch of its text, in character offsets."""

    nodes: Mapping[tuple[int, int], cst.CSTNode]
    positions: Positions
    text: str
    tree: cst.Module

    @classmethod
    def of(cls, tree: cst.Module, positions: Positions, text: str) -> "Located":
        """Index the nodes of ``tree``."""
        found: dict[tuple[int, int], cst.CSTNode] = {}
        for node in _nodes(tree, _EXPRESSIONS):
            place = positions.offsets(node)
            known = found.get(place)
            if known is None or _rank(node) < _rank(known):
                found[place] = node
        return cls(found, positions, text, tree)

    def node(self, line: int, column: int, end_line: int, end_column: int) -> cst.CSTNode | None:
        """The node at a place: lines from 1, columns from 0 in bytes of UTF-8."""
        if not (line <= end_line and self._has(line) and self._has(end_line)):
            return None
        return self.nodes.get((self._offset(line, column), self._offset(end_line, end_column)))

    def definition(self, line: int, name: str) -> cst.ClassDef | None:
        """The smallest class of that name that a line belongs to, decorators included."""
        found = [
            node
            for node in self.nodes.values()
            if isinstance(node, cst.ClassDef)
            and node.name.value == name
            and self._covers(node, line)
        ]
        return min(found, key=self._length, default=None)

    def _covers(self, node: cst.ClassDef, line: int) -> bool:
        top = node.decorators[0] if node.decorators else node
        first = self.positions.lines.place(self.positions.offsets(top)[0])[0]
        return first <= line <= self.positions.lines.place(self.positions.offsets(node)[1])[0]

    def _length(self, node: cst.CSTNode) -> int:
        start, end = self.positions.offsets(node)
        return end - start

    def around(self, line: int) -> cst.CSTNode | None:
        """The smallest statement that a line belongs to."""
        start = self.positions.lines.starts[line - 1] if self._has(line) else -1
        best: tuple[int, cst.CSTNode] | None = None
        for node in _nodes(self.tree, _STATEMENTS):
            first, last = self.positions.offsets(node)
            first = self.positions.lines.start(first)
            if first <= start < last and (best is None or last - first < best[0]):
                best = (last - first, node)
        return None if best is None else best[1]

    def _has(self, line: int) -> bool:
        return 1 <= line <= len(self.positions.lines.starts)

    def _offset(self, line: int, column: int) -> int:
        start = self.positions.lines.starts[line - 1]
        before = self.text[start : start + column]
        if not before.isascii():
            before = before.encode()[:column].decode(errors="ignore")
        return start + len(before)


def _nodes(tree: cst.Module, kinds: tuple[type[cst.CSTNode], ...]) -> Iterator[cst.CSTNode]:
    pending: list[cst.CSTNode] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, kinds):
            yield node
        pending += children(node)


def _rank(node: cst.CSTNode) -> int:
    return _EXPRESSIONS.index(type(node))
