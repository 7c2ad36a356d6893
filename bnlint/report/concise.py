"""One line for each finding, as editors and scripts read them."""

from bnlint.lint.engine import Result
from bnlint.report.summary import summary
from bnlint.style import Style, colour_of, place_of, said


def render(result: Result, look: Style) -> str:
    """Return ``path:line:column: warning BN301 [*] [name] message`` lines and the summary."""
    lines = []
    for finding in result.findings:
        rule = look.paint(finding.rule, colour_of(finding.severity), "bold")
        mark = look.paint("[*] ", "cyan") if look.will_fix(finding) else ""
        path, line, column = place_of(finding.span).rsplit(":", 2)
        place = f"{look.paint(path, 'bold')}:{line}:{column}"
        severity = look.paint(finding.severity.label, colour_of(finding.severity))
        lines.append(f"{place}: {severity} {rule} {mark}[{finding.name}] {said(finding)}\n")
    return "".join(lines) + summary(result, look)
