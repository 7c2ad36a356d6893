"""How much memory LibCST would take for a text, estimated from its tokens before it is parsed.

The numbers are the peak resident memory of ``libcst.parse_module`` (1.9, CPython 3.11,
x86_64 Linux), measured on 220 shapes of code, each from 1 to 900 levels deep. LibCST's parser remembers what it has
tried, each time with a copy of all that is inside, so that a token costs more the deeper it stands.
The estimate is an upper bound for all of those but three: bare names on lines (0.98 of the truth), strings side by
side (0.74), and runs of blanks or digits (150 bytes for each, which are left out). For real files it is about twice
the truth.
"""

import re

from bnlint.source import nesting
from bnlint.source.unreadable import Unreadable

MOST = 2 << 30
"""Bytes that one file may take by the estimate; torch's largest, of 1.3 MB, takes 1.7 GB by it, 0.75 in truth."""

_KB = 1024
_TOKEN = 3.8 * _KB
_LINE_OF_CODE = 4.2 * _KB
_OTHER_LINE = 0.5 * _KB
_IN_CALL = 1.75 * _KB
"""For each token and each call or subscript around it (measured: 1.05 to 1.6 kB)."""
_IN_DISPLAY = 0.8 * _KB
"""For each token and each other bracket around it (measured: 0.2 to 0.8 kB)."""
_IN_OPERAND = 0.25 * _KB
"""For each token and each lambda, unary operator, power or ``else`` before it (measured: 0.1 to 0.2 kB)."""
_IN_BLOCK = 0.35 * _KB
"""For each token, each line and each block around it (measured: 0.2 to 0.4 kB)."""
_DEEPEST = 160 * _KB
"""For each character of the most expensive code: calls in one another, as deep as they may be."""
_ALWAYS = MOST // _DEEPEST

_NO_OPERAND = (None, "call", "open", "next", "right", "operator", "line")
_PIECE = re.compile(
    r"""(?P<indent>(?<![^\r\n])[ \t\f]+(?=[^\s\#]))
    | (?P<comment>\#[^\r\n]*)
    | (?P<prefix>\b[a-zA-Z]{1,2}(?=['"]))?(?P<string>STRING)
    | (?P<call>(?<=[\w)\]])[(\[])
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<line>\r\n?|\n)
    | (?P<next>[,;])
    | (?P<lambda>\blambda\b)
    | (?P<right>\*\*|\b(?:(?<!\bis[ ])not(?![ ]in\b)|else|await)\b)
    | (?P<operator>//|[-+*/%@&|^~<>:=]|\b(?:if|in|is|and|or|return|yield)\b)
    | (?P<other>\w+|[^\s\\])""".replace("STRING", nesting.STRING),
    re.VERBOSE,
)


def check(text: str) -> None:
    """Raise :class:`Unreadable` if parsing a text would take more memory than :data:`MOST`."""
    if len(text) <= _ALWAYS:
        return
    wanted = estimate(text)
    if wanted > MOST:
        raise Unreadable(
            f"parsing the code would take about {wanted / (1 << 30):.0f} GB of memory, for its many or"
            f" deeply nested expressions; more than {MOST >> 30} GB for one file is not tried"
        )


def estimate(text: str) -> float:
    """Bytes that LibCST takes for a text, hardly ever too few. The time is linear in its length."""
    memory = _Memory()
    memory.add(text)
    return memory.total


class _Memory:
    """The sum so far, and what each further token costs where the text has got to."""

    def __init__(self) -> None:
        self.total = 0.0
        self._each = _TOKEN
        self._operands = 0
        self._open: list[tuple[float, int]] = []
        self._blocks: list[int] = []
        self._before: str | None = None

    def add(self, text: str) -> None:
        for match in _PIECE.finditer(text):
            kind = match.lastgroup
            if kind == "line":
                self._end_line()
            elif kind == "indent":
                self._indent(len(match[0]))
            elif kind == "string":
                self._add_string(match)
            elif kind != "comment":
                self._add_token(kind)

    def _add_token(self, kind: str | None) -> None:
        if kind == "close" and self._open:
            self._each, self._operands = self._open.pop()
        elif kind == "next":
            self._operands = 0
        elif kind == "right" or (kind == "operator" and self._before in _NO_OPERAND):
            self._operands += 1
        elif kind == "lambda":
            self._each += _IN_OPERAND
        self.total += self._each + _IN_OPERAND * self._operands
        if kind == "call" or kind == "open":
            self._open.append((self._each, self._operands))
            self._each += _IN_CALL if kind == "call" else _IN_DISPLAY
        self._before = kind

    def _add_string(self, match: re.Match[str]) -> None:
        self._add_token("string")
        if "f" in (match["prefix"] or "").lower():
            around = self._each, self._operands, self._before
            opened, self._open = self._open, [(self._each, self._operands)]
            self.add(match["string"].strip("'\""))
            self._open = opened
            self._each, self._operands, self._before = around

    def _end_line(self) -> None:
        if self._before == "line" or self._open:
            self.total += _OTHER_LINE
            return
        in_blocks = _IN_BLOCK * len(self._blocks)
        self.total += _LINE_OF_CODE + in_blocks
        self._each = _TOKEN + in_blocks
        self._operands = 0
        self._before = "line"

    def _indent(self, width: int) -> None:
        if self._open:
            return
        while self._blocks and self._blocks[-1] >= width:
            self._blocks.pop()
        self._blocks.append(width)
        self._each = _TOKEN + _IN_BLOCK * len(self._blocks)
