"""Where nodes stand, as character offsets, lines and columns of the text."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import libcst as cst

from bnlint.immutable import immutable
from bnlint.source.line_index import Lines

_FRAMES = 40_000


@immutable
class Positions:
    """Every node's stretch of the text, without brackets around it and surrounding blanks.

    ``moved`` tells where each character of the generated code is in the text, if not in the same
    place.
    """

    generated: Mapping[cst.CSTNode, tuple[int, int]]
    lines: Lines
    length: int
    moved: tuple[int, ...] | None

    @classmethod
    def of(cls, tree: cst.Module, text: str) -> "Positions":
        """Locate the nodes of ``tree`` in ``text``, from which it was parsed exactly."""
        with _deep_recursion():
            generated, code = _located(tree)
        moved = None if code == text else tuple(_aligned(code, text))
        return cls(generated, Lines.of(text), len(text), moved)

    def offsets(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return the offsets of the node's first character and of the one after its last."""
        if isinstance(node, cst.Module):
            return 0, self.length
        first, last = _ends(node)
        start, end = self.generated[first][0], self.generated[last][1]
        if self.moved is None:
            return start, end
        if start == end:
            return self.moved[start], self.moved[start]
        return self.moved[start], self.moved[end - 1] + 1


def _located(tree: cst.Module) -> tuple[Mapping[cst.CSTNode, tuple[int, int]], str]:
    try:
        from bnlint.source.code_offsets import record

        return record(tree)
    except (ImportError, AttributeError, TypeError):
        return located_by_provider(tree)


def located_by_provider(tree: cst.Module) -> tuple[Mapping[cst.CSTNode, tuple[int, int]], str]:
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
