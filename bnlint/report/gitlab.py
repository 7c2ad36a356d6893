"""GitLab's code quality report: what a merge request shows beside its lines.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import json

from bnlint.finding import Severity
from bnlint.lint.engine import Result
from bnlint.lint.fingerprints import fingerprints
from bnlint.report.cell_names import file_and_cell
from bnlint.style import Style, said
from bnlint.visible import inert_json

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.ADVICE: "info"}


def render(result: Result, look: Style) -> str:
    """Return an array with an object for each finding."""
    marks = fingerprints(result.findings, result.sources)
    issues = [
        {
            "description": f"{finding.rule} {said(finding)}",
            "check_name": f"{finding.rule} {finding.name}",
            "fingerprint": mark,
            "severity": _SEVERITIES[finding.severity],
            "location": {
                "path": file_and_cell(finding.span.path)[0],
                "lines": {"begin": finding.span.line, "end": finding.span.end_line},
            },
        }
        for finding, mark in zip(result.findings, marks, strict=True)
    ]
    return inert_json(json.dumps(issues, indent=2)) + "\n"
