"""One line for each finding, as editors and scripts read them."""

from bnlint.engine import Result
from bnlint.look import Look, colour_of, message_of
from bnlint.report.summary import summary


def render(result: Result, look: Look) -> str:
    """Return ``path:line:column: BN301 [*] message`` lines and the summary."""
    lines = []
    for finding in result.findings:
        span = finding.span
        rule = look.paint(finding.rule, colour_of(finding.severity), "bold")
        mark = look.paint("[*] ", "cyan") if look.will_fix(finding) else ""
        place = f"{look.paint(span.path, 'bold')}:{span.line}:{span.column}"
        lines.append(f"{place}: {rule} {mark}{message_of(finding)}\n")
    return "".join(lines) + summary(result, look)
