"""Workflow commands that GitHub Actions shows beside the lines of a pull request and in its log.

The log shows the message alone, so that the message names the place, too.
"""

from bnlint.finding import Finding, Severity
from bnlint.lint.engine import Result
from bnlint.report.cell_names import file_and_cell
from bnlint.style import Style, place_of, said
from bnlint.visible import visible

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def render(result: Result, look: Style) -> str:
    """Return one command for each finding."""
    return "".join(_command(finding) for finding in result.findings)


def _command(finding: Finding) -> str:
    span = finding.span
    properties = {
        "file": visible(file_and_cell(span.path)[0]),
        "line": span.line,
        "endLine": span.end_line,
        "col": span.column,
        "title": f"{finding.rule} {finding.name}",
    }
    given = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    message = f"{place_of(span)}: {finding.rule} {said(finding)}"
    if finding.fix is not None:
        message += f"\nhelp: {visible(finding.fix.title)}"
    return f"::{_COMMANDS[finding.severity]} {given}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
