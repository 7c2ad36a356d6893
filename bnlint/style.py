"""How a report may look: colours, width, detail, and which fixes are marked as ready to apply."""

import textwrap
from collections.abc import Collection
from enum import IntEnum

from bnlint.finding import Applicability, Finding, Severity, Span
from bnlint.immutable import immutable
from bnlint.visible import visible

_CODES = {
    "bold": "1",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
_OF_SEVERITY = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.ADVICE: "cyan"}


class Detail(IntEnum):
    """How much a report says: the findings alone, a summary too, or all that was understood."""

    QUIET = -1
    USUAL = 0
    VERBOSE = 1


@immutable
class Style:
    """``width`` is that of the terminal, ``None`` when lines are not to be broken."""

    colour: bool = False
    width: int | None = None
    allowed: Collection[Applicability] = (Applicability.SAFE,)
    detail: Detail = Detail.USUAL

    def paint(self, text: str, *styles: str) -> str:
        """Return the text in colours, if there are to be any."""
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def wrapped(self, text: str, indent: int) -> list[str]:
        """Break a line at blanks so that it fits the terminal."""
        if self.width is None or len(text) <= self.width:
            return [text]
        return textwrap.wrap(
            text,
            max(self.width, 40),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def will_fix(self, finding: Finding) -> bool:
        """Whether ``--fix`` with the same options applies the finding's fix."""
        fix = finding.fix
        return fix is not None and fix.applicability in self.allowed and not fix.beyond


def colour_of(severity: Severity) -> str:
    """Return the colour that a severity is shown in."""
    return _OF_SEVERITY[severity]


def message_of(finding: Finding) -> str:
    """Return the message as reported; one that is not proven says so."""
    return f"Likely: {finding.message}" if finding.likely else finding.message


def said(finding: Finding) -> str:
    """Return the message as it is printed, in one line."""
    return visible(message_of(finding))


def place_of(span: Span) -> str:
    """Return ``path:line:column`` as it is printed."""
    return f"{visible(span.path)}:{span.line}:{span.column}"
