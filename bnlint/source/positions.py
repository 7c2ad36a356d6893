"""Where nodes stand, as character offsets, lines and columns of the text."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile

import libcst as cst

from bnlint.source.line_index import Lines

_FRAMES = 40_000
_DROPPED = re.compile(r"\f|^[ \t]*\\$|\r\Z", re.MULTILINE)
"""Blanks that may be missing from the code that LibCST generates."""
MOST_PIECES = 100
"""Statements that are located one by one, since each is searched for in the whole text."""
Offsets = Mapping[cst.CSTNode, tuple[int, int]]


@dataclass(slots=True)
class Positions:
    """Every node's stretch of the text, without brackets around it and surrounding blanks.

    They are found for a statement at a time, or a function: the code that its tree stands for
    occurs in the text once, or else all of the text is gone through.
    """

    tree: cst.Module
    text: str
    lines: Lines
    above: Callable[[cst.CSTNode], Iterable[cst.CSTNode]]
    """The nodes that hold one, from the inside out."""
    _known: dict[cst.CSTNode, tuple[int, int]] = field(default_factory=dict)
    _pieces: int = 0

    @classmethod
    def of(
        cls, tree: cst.Module, text: str, above: Callable[[cst.CSTNode], Iterable[cst.CSTNode]]
    ) -> "Positions":
        """Prepare to locate the nodes of ``tree`` in ``text``, from which it was parsed exactly."""
        return cls(tree, text, Lines.of(text), above)

    def offsets(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return the offsets of the node's first character and of the one after its last."""
        if isinstance(node, cst.Module):
            return 0, len(self.text)
        first, last = _ends(node)
        if first not in self._known:
            with _deep_recursion():
                self._known.update(self._nearby(node) or self._everywhere())
        return self._known[first][0], self._known[last][1]

    def _nearby(self, node: cst.CSTNode) -> Offsets | None:
        """The offsets in the smallest piece that holds a node and can be told apart from all others."""
        if self._pieces >= MOST_PIECES or _DROPPED.search(self.text):
            return None
        self._pieces += 1
        found = (self._in(*piece) for piece in _pieces(node, self.above(node)))
        return next((offsets for offsets in found if offsets is not None), None)

    def _in(self, piece: cst.CSTNode, indents: list[str | None]) -> Offsets | None:
        generated, code = code_and_offsets(self.tree, piece, indents)
        code = code.rstrip("\r\n")  # the last line of a file need not end
        start = self.text.find(code)
        if start < 0 or self.text.find(code, start + 1) >= 0:
            return None
        return {one: (first + start, last + start) for one, (first, last) in generated.items()}

    def _everywhere(self) -> Offsets:
        generated, code = code_and_offsets(self.tree)
        if code == self.text:
            return generated
        moved = tuple(_aligned(code, self.text))
        return {node: _moved(*place, moved) for node, place in generated.items()}


def _pieces(
    node: cst.CSTNode, above: Iterable[cst.CSTNode]
) -> Iterator[tuple[cst.CSTNode, list[str | None]]]:
    """The statements around a node that are no class around it, from the inside, and their indentations.

    None for a node of which it is not known what holds it.
    """
    *within, tree = node, *above
    if not isinstance(tree, cst.Module) or not within:
        return
    statements: list[tuple[cst.CSTNode, list[str | None]]] = [(within[-1], [])]
    for block, piece in zip(within[:0:-1], within[-2::-1], strict=True):
        if isinstance(block, cst.IndentedBlock):
            statements.append((piece, [*statements[-1][1], block.indent]))
    innermost = statements[-1]
    yield innermost
    classes = takewhile(lambda one: isinstance(one[0], cst.ClassDef), statements[:-1])
    yield from reversed(statements[len(list(classes)) : -1])


def _moved(start: int, end: int, moved: tuple[int, ...]) -> tuple[int, int]:
    """The offsets in the text of what has others in the generated code."""
    start, end = (min(place, len(moved) - 1) for place in (start, end))
    return moved[start], moved[start] if start == end else moved[end - 1] + 1


def code_and_offsets(
    tree: cst.Module, piece: cst.CSTNode | None = None, indents: Iterable[str | None] = ()
) -> tuple[Offsets, str]:
    """Return the start and end of every node, and the code, of all of a tree or a statement in it."""
    try:
        from bnlint.source.code_offsets import record

        return record(tree, piece, indents)
    except (ImportError, AttributeError, TypeError):
        return located_by_provider(tree)


def located_by_provider(tree: cst.Module) -> tuple[Offsets, str]:
    """Locate the nodes with nothing but LibCST's public interface, which takes longer."""
    from libcst.metadata import MetadataWrapper, PositionProvider

    wrapper = MetadataWrapper(tree, unsafe_skip_copy=True)
    code = tree.code
    lines = Lines.of(code)

    def offset(line: int, column: int) -> int:
        return lines.offset(line, column) if line <= len(lines.starts) else len(code)

    return {
        node: (offset(at.start.line, at.start.column), offset(at.end.line, at.end.column))
        for node, at in wrapper.resolve(PositionProvider).items()
    }, code


def _ends(node: cst.CSTNode) -> tuple[cst.CSTNode, cst.CSTNode]:
    """The nodes whose start and end are those of ``node``: a tuple's brackets are part of it."""
    match node:
        case cst.Tuple() | cst.GeneratorExp() if node.lpar and node.rpar:
            return node.lpar[-1], node.rpar[0]
        case _:
            return node, node


def _aligned(code: str, text: str) -> Iterator[int]:
    """For every offset of ``code``, and its end, yield the offset in ``text``.

    LibCST drops a form feed before indentation, a leading continuation line and a final CR, so
    ``code`` is ``text`` with some blanks left out.
    """
    place = 0
    for character in code:
        found = text.find(character, place)
        place = found if found >= 0 else min(place, len(text) - 1)
        yield place
        place += 1
    yield len(text)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)
