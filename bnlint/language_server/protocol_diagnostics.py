"""Findings as diagnostics of the protocol, by the files that they are in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lsprotocol.types import (
    CodeDescription,
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    Location,
)

from bnlint.finding import Finding, Severity, Span
from bnlint.language_server.client_positions import ClientPositions, address
from bnlint.lint.engine import Result
from bnlint.lint.files import absolute
from bnlint.style import message_of
from bnlint.urls import page

_SEVERITIES = {
    Severity.ERROR: DiagnosticSeverity.Error,
    Severity.WARNING: DiagnosticSeverity.Warning,
    Severity.ADVICE: DiagnosticSeverity.Information,
}


@dataclass(slots=True)
class Told:
    """What one lint found, in the words and places of the protocol."""

    result: Result
    encoding: str
    _places: dict[str, ClientPositions]

    @classmethod
    def of(cls, result: Result, encoding: str) -> "Told":
        """Tell what a lint found to a client that counts columns so."""
        return cls(result, encoding, {})

    def by_file(self) -> Mapping[Path, list[tuple[Finding, Diagnostic]]]:
        """The findings of each file, and what is told of them."""
        found: dict[Path, list[tuple[Finding, Diagnostic]]] = {}
        for finding in self.result.findings:
            told = finding, self._diagnostic(finding)
            found.setdefault(self.file(finding.span.path), []).append(told)
        return found

    def file(self, path: str) -> Path:
        """The file that is displayed so."""
        source = self.result.sources.get(path)
        return source.file if source is not None else absolute(path)

    def places(self, path: str) -> ClientPositions:
        """The lines of a file as it was linted."""
        if path not in self._places:
            self._places[path] = ClientPositions.of(self.result.texts.get(path, ""), self.encoding)
        return self._places[path]

    def _diagnostic(self, finding: Finding) -> Diagnostic:
        return Diagnostic(
            range=self.places(finding.span.path).of_span(finding.span),
            message=message_of(finding),
            severity=_SEVERITIES[finding.severity],
            code=finding.rule,
            code_description=CodeDescription(page(finding.rule)),
            source="bnlint",
            related_information=[
                DiagnosticRelatedInformation(self._location(item.span), item.message)
                for item in finding.evidence
            ],
        )

    def _location(self, span: Span) -> Location:
        return Location(address(self.file(span.path)), self.places(span.path).of_span(span))
