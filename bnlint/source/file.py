"""One Python file: its text, its tree, and what can be asked of the nodes."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import libcst as cst

from bnlint.finding import Edit, Span
from bnlint.source import (
    conditions,
    deciding,
    decoding,
    edits,
    meaning,
    notebook,
    parsing,
    passage,
    statement_edits,
    unreadable,
)
from bnlint.source.enclosing_parameters import parameters_around
from bnlint.source.line_index import LINE_END
from bnlint.source.located import Located
from bnlint.source.name_bindings import Bindings
from bnlint.source.parents import Parents
from bnlint.source.positions import Positions
from bnlint.source.regular import read_bytes
from bnlint.source.text_file import TextFile
from bnlint.source.unreadable import Unreadable
from bnlint.visible import display_path

_ALONE = cst.Module([])


class SourceFile(TextFile):
    """A parsed file, the :class:`bnlint.facts.types.site.Source` of its nodes.

    ``newline`` is its first line ending. ``code``, as long as the text, is what the tree is exactly
    that of; ``fixable`` is false where it differs so that nothing may be edited. Positions are computed when first asked for.
    """

    def __init__(
        self,
        path: str,
        file: Path,
        decoded: decoding.Decoded,
        tree: cst.Module,
        fixable: bool,
        code: str,
    ) -> None:
        super().__init__(path, file, decoded)
        self._code = code
        self.tree = tree
        self.newline = tree.default_newline
        self.fixable = fixable

    @cached_property
    def positions(self) -> Positions:
        """Where the nodes stand; not free, so only for files with something to report."""
        return Positions.of(self.tree, self._code, lambda node: self.parents.above(node))

    @cached_property
    def located(self) -> Located:
        """Which node stands where."""
        return Located.of(self.tree, self.positions, self.content)

    @cached_property
    def parents(self) -> Parents:
        """Which node holds which."""
        return Parents.of(self.tree)

    @cached_property
    def bindings(self) -> Bindings:
        """What binds the names of its functions."""
        return Bindings()

    @cached_property
    def exits(self) -> deciding.Exits:
        """Which statements leave their body."""
        return deciding.Exits()

    def span(self, node: object) -> Span:
        """Where a node stands, without its own parentheses and surrounding blanks."""
        start, end = self.positions.offsets(_node(node))
        places = self.positions.lines.place(start) + self.positions.lines.place(end)
        return Span(self.path, start, end, *places)

    def text(self, node: object) -> str:
        """Return the node's own source text."""
        if self.fixable and (short := _short_text(node)):
            return short
        start, end = self.positions.offsets(_node(node))
        return self.content[start:end]

    def is_parameter(self, node: object) -> bool:
        """Whether a node is a name that a function around it has as a parameter."""
        own = _node(node)
        return isinstance(own, cst.Name) and own.value in parameters_around(self, own)

    def conditions(self, node: object) -> tuple[tuple[cst.CSTNode, bool], ...]:
        """The tests that decide, in its function, on a node, and the answers that it needs."""
        return tuple(deciding.tests(self, _node(node)))

    def means_the_same(self, expression: object, place: object) -> bool:
        """Whether an expression of names has one value, which is there before ``place``."""
        return meaning.means_the_same(self, _node(expression), _node(place))

    def replace(self, node: object, text: str) -> Edit | None:
        """Replace a node by other text; its parentheses stay."""
        return edits.replace(self, _node(node), text) if self.fixable else None

    def add_argument(self, call: object, text: str) -> Edit | None:
        """Append ``text`` (``bias=False``) to a call's arguments, before any ``**kwargs``."""
        return edits.add_argument(self, _node(call), text) if self.fixable else None

    def remove_argument(self, call: object, argument: object) -> Edit | None:
        """Remove the argument whose value is the node ``argument``, with its comma."""
        if not self.fixable:
            return None
        return edits.remove_argument(self, _node(call), _node(argument))

    def insert_before(self, node: object, line: str) -> Edit | None:
        """Put ``line`` before the statement that holds ``node``, at its indentation."""
        return statement_edits.insert_before(self, _node(node), line) if self.fixable else None

    def insert_after(self, node: object, line: str) -> Edit | None:
        """Put ``line`` after the statement that holds ``node``, at its indentation."""
        return statement_edits.insert_after(self, _node(node), line) if self.fixable else None

    def insert_first(self, node: object, line: str) -> Edit | None:
        """Put ``line`` first into the body of the compound statement ``node``, after a docstring."""
        return statement_edits.insert_first(self, _node(node), line) if self.fixable else None

    def insert_last(self, node: object, line: str) -> Edit | None:
        """Put ``line`` last into the body of the compound statement ``node``."""
        return statement_edits.insert_last(self, _node(node), line) if self.fixable else None

    def around(
        self, node: object, before: Sequence[str], after: str, caught: bool
    ) -> tuple[Edit, ...]:
        """Put lines before the statement that holds ``node``, and one on every way out of it."""
        return passage.around(self, _node(node), before, after, caught) if self.fixable else ()

    def runs_at_once(self, node: object) -> bool:
        """Whether ``node`` is evaluated while the statement that holds it runs, not later."""
        return passage.runs_at_once(self, _node(node))

    def handlers(self, node: object) -> tuple[cst.CSTNode, ...]:
        """The statements of the function that handle an exception at ``node``."""
        return tuple(passage.handlers(self, _node(node)))

    def statement(self, node: object) -> cst.CSTNode:
        """The statement that holds ``node``, or ``node`` itself if its line holds several."""
        return statement_edits.holder(self, _node(node)) or _node(node)

    def binds(self, node: object, name: str) -> bool:
        """Whether the statement that holds ``node`` gives a dotted name a new value."""
        return passage.binds(self, _node(node), name)

    def condition_at(self, node: object, place: object) -> str | None:
        """The condition under which ``node`` runs, as code for ``place``; ``None`` if there is none."""
        return conditions.condition_at(self, _node(node), _node(place))

    def mentions(self, text: str) -> bool:
        """Whether some text occurs in the file."""
        return text in self.content

    def calls(self, method: str) -> bool:
        """Whether the file calls a method of that name, outside of comments."""
        called = f".{method}("
        lines = LINE_END.split(self.content) if called in self.content else []
        return any(called in line.partition("#")[0] for line in lines)


def _short_text(node: object) -> str:
    """The text of an expression of one line, for which no positions are needed; ``""`` of others."""
    if dotted := _dotted_name(node):
        return dotted
    if not isinstance(node, cst.BaseExpression) or node.lpar:
        return ""
    code = _ALONE.code_for_node(node)
    return "" if "\n" in code or "\r" in code else code


def _dotted_name(node: object) -> str:
    """The text of a dotted name; ``""`` of anything else."""
    if type(node) is cst.Name:
        return node.value
    if type(node) is cst.Attribute and not _has_blanks(node.dot):
        head = "" if getattr(node.value, "lpar", ()) else _dotted_name(node.value)
        return f"{head}.{node.attr.value}" if head else ""
    return ""


def _has_blanks(dot: cst.Dot) -> bool:
    blanks = (dot.whitespace_before, dot.whitespace_after)
    return any(not isinstance(one, cst.SimpleWhitespace) or one.value for one in blanks)


def read(path: Path | str, display: str | None = None) -> SourceFile:
    """Read and parse a file; raises :class:`Unreadable`.

    ``display`` is how users are told about it; the default is its path from the working directory.
    """
    file = Path(os.path.abspath(path))
    try:
        raw = read_bytes(file)
    except OSError as error:
        raise unreadable.of_operating_system(error) from None
    return _parsed(decoding.decode_file(raw, file), display or display_path(file), file)


def parse_text(text: str, path: str = "<text>", file: Path | None = None) -> SourceFile:
    """Parse text that is already decoded; raises :class:`Unreadable`."""
    decoded = decoding.Decoded(text.removeprefix("\ufeff"), bom=text.startswith("\ufeff"))
    return _parsed(decoded, path, file or Path(os.path.abspath(path)))


def parsed(text: TextFile) -> SourceFile:
    """Parse what came from another process; raises :class:`Unreadable`."""
    return _parsed(text.decoded, text.path, text.file)


def _parsed(decoded: decoding.Decoded, path: str, file: Path) -> SourceFile:
    if "\0" in decoded.text:
        raise Unreadable("the file has NUL bytes, so it is not Python text")
    book = file.suffix == notebook.NOTEBOOK
    code = notebook.python(decoded.text) if book else decoded.text
    tree, own = parsing.parse(code)
    return SourceFile(path, file, decoded, tree, own, code if own else parsing.substituted(code))


def _node(node: object) -> cst.CSTNode:
    if isinstance(node, cst.CSTNode):
        return node
    raise TypeError(f"not a node of a tree: {node!r}")
