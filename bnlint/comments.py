"""Where the comments of a file stand, and which statements they stand at."""

import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from bnlint import lines

_LINE_END = re.compile(r"[\r\n]+\Z")
_BLANK = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: its text from the ``#``, offsets, and line and column from 1.

    ``alone`` tells that nothing but blanks stands before it. ``blank_start`` and ``blank_end``
    bound what goes when it is removed: the blanks before it or, if alone, its whole line.
    """

    text: str
    start: int
    line: int
    column: int
    alone: bool
    blank_start: int
    blank_end: int

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines of a simple statement, or of the header of a compound one."""

    first: int
    last: int
    decorator: bool


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments and the statements of a file, both in order."""

    comments: tuple[Comment, ...]
    statements: tuple[Statement, ...]

    def reach(self, comment: Comment) -> tuple[int, range]:
        """Return the line that a comment is about, and the lines of the statement it stands at.

        Alone on its line it is about what comes below: inside a statement that is the next line
        that is no comment, above one the whole statement (line 0), decorators and ``def`` together.
        An empty line ends its reach.
        """
        line = comment.line
        if comment.alone:
            others = {other.line for other in self.comments if other.alone}
            while line in others:
                line += 1
        place = bisect_right(self.statements, line, key=lambda statement: statement.first) - 1
        if place < 0 or self.statements[place].last < line:
            return line, range(line, line)
        first, last = self.statements[place].first, place
        while comment.alone and self._leads_on(last):
            last += 1
        return line if comment.line >= first else 0, range(first, self.statements[last].last + 1)

    def _leads_on(self, place: int) -> bool:
        return self.statements[place].decorator and place + 1 < len(self.statements)


def comments_of(text: str) -> Comments:
    """Tokenize a file; where it cannot be tokenized to its end, return what comes before."""
    starts = lines.starts(text)
    physical = lines.split(text)
    comments: list[Comment] = []
    statements: list[Statement] = []
    first: tokenize.TokenInfo | None = None
    for token in _tokens(physical):
        if token.type == tokenize.COMMENT:
            comments.append(_comment(token, starts, physical))
        elif token.type == tokenize.NEWLINE and first is not None:
            statements.append(Statement(first.start[0], token.start[0], first.string == "@"))
            first = None
        elif token.type not in _BLANK and first is None:
            first = token
    return Comments(tuple(comments), tuple(statements))


def _tokens(physical: list[str]) -> Iterator[tokenize.TokenInfo]:
    source = "".join(_LINE_END.sub("", line) + "\n" for line in physical)
    try:
        yield from tokenize.generate_tokens(io.StringIO(source, newline="\n").readline)
    except (tokenize.TokenError, SyntaxError):
        return


def _comment(token: tokenize.TokenInfo, starts: list[int], physical: list[str]) -> Comment:
    row, column = token.start
    line = physical[row - 1]
    start = starts[row - 1] + column
    text = token.string.rstrip()
    before = line[:column]
    alone = not before.strip()
    if alone:
        bounds = (starts[row - 1], starts[row - 1] + len(line))
    else:
        bounds = (starts[row - 1] + len(before.rstrip()), start + len(text))
    return Comment(text, start, row, column + 1, alone, *bounds)
