"""Where the comments of a file stand, and which statements they stand at."""

import io
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from bnlint.immutable import immutable
from bnlint.lint.text_lines import Listing

_BLANK = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})


@immutable
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


@immutable
class Statement:
    """The lines of a simple statement, or of the header of a compound one."""

    first: int
    last: int
    decorator: bool


@immutable
class Comments:
    """The comments and the statements of a file, both in order."""

    comments: tuple[Comment, ...]
    statements: tuple[Statement, ...]
    below: Mapping[int, int]
    """For a line that holds nothing but a comment, the next line that does not."""
    ends: frozenset[int] = frozenset()
    """The lines that a comment may stand at the end of: not within a string, nor before a backslash."""

    def reach(self, comment: Comment) -> tuple[int, range]:
        """Return the line that a comment is about, and the lines of the statement it stands at.

        Alone on its line it is about what comes below: inside a statement that is the next line
        that is no comment, above one the whole statement (line 0), decorators and ``def`` together.
        An empty line ends its reach.
        """
        line = self.below.get(comment.line, comment.line)
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
    listing = Listing.of(text)
    comments: list[Comment] = []
    statements: list[Statement] = []
    ends: set[int] = set()
    first: tokenize.TokenInfo | None = None
    for token in _tokens(listing):
        if token.type in (tokenize.NL, tokenize.NEWLINE):
            ends.add(token.start[0])
        if token.type == tokenize.COMMENT:
            comments.append(_comment(token, listing))
        elif token.type == tokenize.NEWLINE and first is not None:
            statements.append(Statement(first.start[0], token.start[0], first.string == "@"))
            first = None
        elif token.type not in _BLANK and first is None:
            first = token
    return Comments(tuple(comments), tuple(statements), _below(comments), frozenset(ends))


def _below(comments: Sequence[Comment]) -> Mapping[int, int]:
    found: dict[int, int] = {}
    for comment in reversed(comments):
        if comment.alone:
            found[comment.line] = found.get(comment.line + 1, comment.line + 1)
    return found


def _tokens(listing: Listing) -> Iterator[tokenize.TokenInfo]:
    lines = (listing.line(number) for number in range(1, len(listing) + 1))
    source = "".join(line.rstrip("\r\n") + "\n" for line in lines)
    try:
        yield from tokenize.generate_tokens(io.StringIO(source, newline="\n").readline)
    except (tokenize.TokenError, SyntaxError):
        return


def _comment(token: tokenize.TokenInfo, listing: Listing) -> Comment:
    row, column = token.start
    line = listing.line(row)
    start = listing.start(row) + column
    text = token.string.rstrip()
    before = line[:column]
    alone = not before.strip()
    if alone:
        bounds = (listing.start(row), listing.end(row))
    else:
        bounds = (listing.start(row) + len(before.rstrip()), start + len(text))
    return Comment(text, start, row, column + 1, alone, *bounds)
