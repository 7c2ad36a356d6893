"""The last lines of a report: how many problems, how bad, and how many can be fixed."""

from collections import Counter

from bnlint.engine import Result
from bnlint.finding import Applicability, Severity
from bnlint.look import Look, colour_of
from bnlint.report.traces import traces

_PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.ADVICE: "advice"}


def summary(result: Result, look: Look) -> str:
    """Return the lines, each with its end."""
    if not result.findings and not result.checked:
        return "No Python files to check.\n"
    if not result.findings:
        checked = _files(result.checked)
        if result.added is None:
            checked = _count(result.checked, "model", "models")
        clear = look.paint("All clear:", "green", "bold") + f" {checked} checked.\n"
        return clear + traces(result, look)
    found = _count(len(result.findings), "problem", "problems")
    paths = len({finding.span.path for finding in result.findings})
    counts = f"Found {found} ({_by_severity(result, look)}) in {_files(paths)}.\n"
    return counts + _fixes(result, look) + traces(result, look)


def _by_severity(result: Result, look: Look) -> str:
    counts = Counter(finding.severity for finding in result.findings)
    return ", ".join(
        look.paint(
            _count(counts[severity], severity.label, _PLURALS[severity]), colour_of(severity)
        )
        for severity in sorted(counts, reverse=True)
    )


def _fixes(result: Result, look: Look) -> str:
    counts = Counter(finding.fix.applicability for finding in result.findings if finding.fix)
    safe, unsafe = counts[Applicability.SAFE], counts[Applicability.UNSAFE]
    mark = look.paint("[*]", "cyan")
    match safe, unsafe, Applicability.UNSAFE in look.allowed:
        case 0, 0, _:
            return ""
        case _, 0, _:
            return f"{mark} {safe} fixable with --fix.\n"
        case 0, _, _:
            return f"{mark} {unsafe} fixable with --fix --unsafe-fixes.\n"
        case _, _, True:
            return f"{mark} {safe + unsafe} fixable with --fix --unsafe-fixes.\n"
        case _:
            return f"{mark} {safe} fixable with --fix ({unsafe} more with --unsafe-fixes).\n"


def _files(number: int) -> str:
    return _count(number, "file", "files")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
