"""Edits that put a line before, after, or into a statement."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.finding import Edit
from bnlint.source.line_index import LINE_END
from bnlint.source.parents import children

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile

_REST_OF_LINE = re.compile(r"[ \t\f]*(?:;[ \t\f]*)?(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_STRINGS = ("SimpleString", "FormattedString", "TemplatedString")  # LibCST 1.5 lacks the last
_COMMENT_LINE = re.compile(r"(?:\r\n?|\n)([ \t\f]*)(#?)([^\r\n]*)")


def insert_before(source: "SourceFile", node: cst.CSTNode, line: str) -> Edit | None:
    """Put a line before the statement that holds ``node`` and before its decorators."""
    statement = holder(source, node)
    return None if statement is None else _before(source, statement, line)


def insert_after(source: "SourceFile", node: cst.CSTNode, line: str) -> Edit | None:
    """Put a line after the statement that holds ``node``, and after its whole body."""
    statement = holder(source, node)
    if statement is None or ends_here(statement):
        return None
    return _after(source, statement, line)


def insert_first(source: "SourceFile", node: cst.CSTNode, line: str) -> Edit | None:
    """Put a line first into a compound statement's body, after a docstring or future imports."""
    body = _body(source, node)
    leading = [statement for statement in body if _must_lead(source, statement)]
    if leading:
        return None if _shares_line(leading[-1]) else _after(source, leading[-1], line)
    return _before(source, body[0], line) if body else None


def insert_last(source: "SourceFile", node: cst.CSTNode, line: str) -> Edit | None:
    """Put a line last into the body of a compound statement."""
    body = _body(source, node)
    return _after(source, body[-1], line) if body else None


def holder(source: "SourceFile", node: cst.CSTNode) -> cst.CSTNode | None:
    """The statement that holds ``node``, unless it shares its line with another."""
    statement = _statement(source, node)
    return None if statement is None or _shares_line(statement) else statement


def wrap(
    source: "SourceFile", statement: cst.CSTNode, before: Sequence[str], last: str
) -> Edit | None:
    """Put a statement into a ``try`` that ends with a line, after other lines.

    ``None`` where a string of several lines would change with the indentation.
    """
    start, indentation = _line_of(source, statement)
    end = source.positions.offsets(statement)[1]
    rest = _REST_OF_LINE.match(source.content, end)
    if rest is None or _has_long_string(source, statement):
        return None
    stop = rest.end()
    if isinstance(statement, cst.BaseCompoundStatement):
        stop = _after_comments(source.content, stop, len(indentation))
    newline = _newline_after(source, start)
    step = source.tree.default_indent
    body = LINE_END.split(source.content[start:stop])
    moved = (step + line if line.strip() else line for line in body)
    opened = (indentation + line for line in (*before, "try:"))
    closed = (indentation + "finally:", indentation + step + last)
    return Edit(source.path, start, stop, newline.join((*opened, *moved, *closed)))


def _has_long_string(source: "SourceFile", statement: cst.CSTNode) -> bool:
    pending = [statement]
    while pending:
        node = pending.pop()
        if type(node).__name__ in _STRINGS and LINE_END.search(source.text(node)):
            return True
        pending += children(node)
    return False


def ends_here(statement: cst.CSTNode) -> bool:
    """Whether nothing after a statement runs: it is a jump."""
    match statement:
        case cst.SimpleStatementLine(
            body=[*_, cst.Return() | cst.Raise() | cst.Break() | cst.Continue()]
        ):
            return True
    return False


def _statement(source: "SourceFile", node: cst.CSTNode) -> cst.CSTNode | None:
    """The statement on a line of its own that holds ``node``; an ``elif`` is none."""
    inner = node
    for outer in (*source.parents.above(node), None):
        match outer:
            case cst.SimpleStatementSuite():
                return None
            case cst.IndentedBlock() | cst.Module():
                return inner
            case cst.CSTNode():
                inner = outer
    return None


def _body(source: "SourceFile", node: cst.CSTNode) -> Sequence[cst.CSTNode]:
    """The statements of the compound statement or clause in whose header ``node`` is."""
    for holder in (node, *source.parents.above(node)):
        match holder:
            case cst.Module() | cst.IndentedBlock():
                return holder.body
            case cst.BaseSmallStatement() | cst.SimpleStatementLine() | cst.Match():
                return ()
        match getattr(holder, "body", None):
            case cst.IndentedBlock() as block:
                return block.body
            case cst.SimpleStatementSuite():
                return ()
    return ()


def _shares_line(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and len(statement.body) > 1


def _must_lead(source: "SourceFile", statement: cst.CSTNode) -> bool:
    """Whether nothing may come before: a docstring or a future import."""
    holder = source.parents.of_node[statement]
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()), *_]
        ):
            owner = source.parents.of_node.get(holder, holder)
            documented = isinstance(owner, cst.FunctionDef | cst.ClassDef | cst.Module)
            return documented and statement is _statements(holder)[0]
        case cst.SimpleStatementLine(
            body=[cst.ImportFrom(module=cst.Name(value="__future__")), *_]
        ):
            return isinstance(holder, cst.Module)
        case _:
            return False


def _statements(holder: cst.CSTNode) -> Sequence[cst.CSTNode]:
    return holder.body if isinstance(holder, cst.Module | cst.IndentedBlock) else ()


def _before(source: "SourceFile", statement: cst.CSTNode, line: str) -> Edit:
    start, indentation = _line_of(source, statement)
    newline = _newline_after(source, start)
    return Edit(source.path, start, start, _indented(line, indentation, newline) + newline)


def _after(source: "SourceFile", statement: cst.CSTNode, line: str) -> Edit | None:
    indentation = _line_of(source, statement)[1]
    rest = _REST_OF_LINE.match(source.content, source.positions.offsets(statement)[1])
    if rest is None:
        return None
    place = rest.end()
    if isinstance(statement, cst.BaseCompoundStatement):
        place = _after_comments(source.content, place, len(indentation))
    newline = _newline_after(source, place)
    text = newline + _indented(line, indentation, newline)
    return Edit(source.path, place, place, text)


def _line_of(source: "SourceFile", statement: cst.CSTNode) -> tuple[int, str]:
    """Where the first line of a statement starts, and its indentation."""
    first = statement
    if isinstance(statement, cst.FunctionDef | cst.ClassDef) and statement.decorators:
        first = statement.decorators[0]
    lines = source.positions.lines
    place = source.positions.offsets(first)[0]
    start = lines.start(place)
    blanks = source.content[start:place]
    return start, blanks.rpartition("\f")[2]


def _after_comments(content: str, place: int, indentation: int) -> int:
    """Skip the comments after a body that are indented as the body is."""
    end = place
    while found := _COMMENT_LINE.match(content, place):
        blanks, comment, rest = found.groups()
        if comment and len(blanks) > indentation:
            end = found.end()
        elif comment or rest:
            break
        place = found.end()
    return end


def _indented(line: str, indentation: str, newline: str) -> str:
    return newline.join(indentation + part if part else part for part in line.split("\n"))


def _newline_after(source: "SourceFile", place: int) -> str:
    """The line ending at or after ``place``, else the last one, else the file's usual one."""
    found = LINE_END.search(source.content, place)
    if found is not None:
        return found[0]
    endings: list[str] = LINE_END.findall(source.content)
    return endings[-1] if endings else source.newline
