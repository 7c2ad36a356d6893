"""Read the files to lint; one that cannot be read is a finding, and the others are still read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.diagnostics import UNREADABLE_FILE
from bnlint.finding import Finding, Span
from bnlint.lint import relevance
from bnlint.lint.files import LintTarget
from bnlint.source import Unreadable
from bnlint.source.decoding import decode_file
from bnlint.source.regular import read_bytes
from bnlint.visible import display_path

if TYPE_CHECKING:
    from bnlint.source import SourceFile


@dataclass(slots=True)
class Opened:
    """The files that could be read, the findings for those that could not, and their texts."""

    files: list["SourceFile"] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def note_unreadable(
        self, file: Path, display: str, error: Unreadable, content: bytes | None = None
    ) -> None:
        """Add the finding for a file that could not be read, once."""
        if display in self.texts:
            return
        self.texts[display] = _text(file, content)
        span = Span(display, 0, 0, error.line, error.column, error.line, error.column)
        message = error.message[:1].upper() + error.message[1:]
        self.findings.append(UNREADABLE_FILE.at(span, message))


def read_all(targets: Sequence[LintTarget], overrides: Mapping[Path, "SourceFile"]) -> Opened:
    """Read the files that can matter, in order of their paths.

    A file that says nothing of torch, nor imports one that does, is not parsed.
    """
    opened = Opened()
    for target in relevance.relevant(targets):
        try:
            opened.files.append(overrides.get(target.path) or _read(target))
        except Unreadable as error:
            display = target.display or display_path(target.path)
            opened.note_unreadable(target.path, display, error, target.content)
    opened.files.sort(key=lambda file: file.path)
    return opened


def _read(target: LintTarget) -> "SourceFile":
    from bnlint.source import parse_text, read

    if target.content is None:
        return read(target.path)
    decoded = decode_file(target.content, target.path)
    file = parse_text(decoded.text, target.display or display_path(target.path), target.path)
    file.encoding, file.bom = decoded.encoding, decoded.bom
    return file


def _text(file: Path, content: bytes | None) -> str:
    """Return what can be shown of an unreadable file."""
    try:
        raw = read_bytes(file) if content is None else content
    except OSError:
        return ""
    return "" if b"\0" in raw else raw.decode("utf-8", errors="replace")
