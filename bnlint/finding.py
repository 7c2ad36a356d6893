"""The plain values that rules produce and reporters print."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How bad a finding is, in rising order."""

    ADVICE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The name that users read and write: ``advice``, ``warning`` or ``error``."""
        return self.name.lower()


class Applicability(StrEnum):
    """How far a fix may be trusted; see ``--fix`` and ``--unsafe-fixes``."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a file: character offsets into the decoded text, lines and columns from 1."""

    path: str
    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the characters ``start:end`` of the file by ``text``; an empty range inserts."""

    path: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that, applied together, remove one finding.

    ``beyond`` are the paths of edited files that were not asked for, only imported by one that was.
    """

    title: str
    edits: tuple[Edit, ...]
    applicability: Applicability
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place that proves a finding, and what happens there."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule violated at one place.

    ``layer`` is the dotted name inside its model when the finding is about one layer.
    ``likely`` marks a finding that is not proven; only ``--pedantic`` shows it. Findings of one rule
    with one ``cause``, a place, a name or a number, are one problem: it is reported once, at the first
    place.
    """

    rule: str
    name: str
    severity: Severity
    message: str
    span: Span
    layer: str | None = None
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
    likely: bool = False
    cause: str | None = None
