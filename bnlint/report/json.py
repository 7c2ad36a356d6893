"""An array of objects, for programs."""

import json
from collections.abc import Mapping

from bnlint.finding import Finding, Fix
from bnlint.lint.engine import Result
from bnlint.style import Style, message_of
from bnlint.urls import page
from bnlint.visible import inert_json


def render(result: Result, look: Style) -> str:
    """Return a JSON array; offsets count characters of the decoded file, lines and columns from 1."""
    return inert_json(json.dumps([_finding(f) for f in result.findings], indent=2)) + "\n"


def _finding(finding: Finding) -> Mapping[str, object]:
    span = finding.span
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity.label,
        "message": message_of(finding),
        "path": span.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "layer": finding.layer,
        "evidence": [
            {"path": item.span.path, "line": item.span.line, "message": item.message}
            for item in finding.evidence
        ],
        "fix": _fix(finding.fix) if finding.fix else None,
        "url": page(finding.rule),
    }


def _fix(fix: Fix) -> Mapping[str, object]:
    return {
        "title": fix.title,
        "applicability": fix.applicability.value,
        "edits": [
            {"path": edit.path, "start": edit.start, "end": edit.end, "text": edit.text}
            for edit in fix.edits
        ],
    }
