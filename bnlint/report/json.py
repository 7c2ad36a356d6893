"""An array of objects, for programs."""

import json
from collections.abc import Sequence
from typing import Annotated, NotRequired, TypedDict

from bnlint.finding import Applicability, Finding, Fix
from bnlint.lint.engine import Result
from bnlint.report.cell_names import file_and_cell
from bnlint.style import Style, message_of
from bnlint.urls import page
from bnlint.visible import inert_json


class EvidenceJson(TypedDict):
    """A place that proves a finding."""

    path: str
    cell: NotRequired[int]
    line: int
    message: str


class EditJson(TypedDict):
    """A change of one stretch of a file."""

    path: str
    cell: NotRequired[int]
    start: Annotated[int, "in characters of the decoded file, or of the cell's code"]
    end: int
    text: str


class FixJson(TypedDict):
    """What would mend a finding."""

    title: str
    applicability: Applicability
    edits: Sequence[EditJson]


class FindingJson(TypedDict):
    """One finding."""

    rule: str
    name: str
    severity: Annotated[str, "error, warning or advice"]
    message: str
    path: Annotated[str, "relative to the working directory"]
    cell: NotRequired[Annotated[int, "of a notebook, from 1"]]
    line: Annotated[int, "from 1, in the cell of a notebook"]
    column: Annotated[int, "from 1, in characters"]
    end_line: int
    end_column: int
    layer: Annotated[str | None, "the dotted name within its model"]
    evidence: Annotated[Sequence[EvidenceJson], "where values come from, then in order of time"]
    fix: FixJson | None
    url: str


def render(result: Result, look: Style) -> str:
    """Return a JSON array; offsets count characters of the decoded file, lines and columns from 1."""
    return inert_json(json.dumps([_finding(f) for f in result.findings], indent=2)) + "\n"


def _finding(finding: Finding) -> FindingJson:
    span = finding.span
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.label,
        "message": message_of(finding),
        **_place(span.path),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "layer": finding.layer,
        "evidence": [
            {**_place(item.span.path), "line": item.span.line, "message": item.message}
            for item in finding.evidence
        ],
        "fix": _fix(finding.fix) if finding.fix else None,
        "url": page(finding.rule),
    }


class _Place(TypedDict):
    path: str
    cell: NotRequired[int]


def _place(path: str) -> _Place:
    file, cell = file_and_cell(path)
    return {"path": file} if cell is None else {"path": file, "cell": cell}


def _fix(fix: Fix) -> FixJson:
    return {
        "title": fix.title,
        "applicability": fix.applicability,
        "edits": [
            {**_place(edit.path), "start": edit.start, "end": edit.end, "text": edit.text}
            for edit in fix.edits
        ],
    }
