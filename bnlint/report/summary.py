"""The last lines of a report: how many problems, how bad, and what was understood at all."""

from collections import Counter

from bnlint.finding import Applicability, Fix, Severity
from bnlint.lint.engine import Result
from bnlint.report.account_lines import account
from bnlint.report.traces import traces
from bnlint.style import Detail, Style, colour_of

_PLURALS = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.ADVICE: "advice"}


def summary(result: Result, look: Style) -> str:
    """Return the lines, each with its end; none if findings alone are asked for."""
    if look.detail is Detail.QUIET:
        return ""
    if not result.findings and not result.checked:
        return "No Python files to check.\n"
    return _counts(result, look) + traces(result, look) + account(result, look)


def _counts(result: Result, look: Style) -> str:
    if not result.findings:
        checked = _files(result.checked)
        if result.added is None:
            checked = _count(result.checked, "model", "models")
        clear = look.paint("All clear:", "green", "bold") + f" {checked} checked.\n"
        return clear
    found = _count(len(result.findings), "problem", "problems")
    paths = len({finding.span.path for finding in result.findings})
    counts = f"Found {found} ({_by_severity(result, look)}) in {_files(paths)}.\n"
    return counts + _fixes(result, look)


def statistics(result: Result, look: Style) -> str:
    """Return a line for each rule that found something, the most frequent first, and the summary."""
    counts = Counter((f.rule, f.severity, f.name) for f in result.findings)
    width = len(str(max(counts.values(), default=0)))
    lines = [
        f"{number:>{width}}  {look.paint(rule, colour_of(severity), 'bold')}"
        f"  {severity.label:<7}  {name}\n"
        for (rule, severity, name), number in counts.most_common()
    ]
    return "".join(lines) + ("\n" if lines else "") + summary(result, look)


def _by_severity(result: Result, look: Style) -> str:
    counts = Counter(finding.severity for finding in result.findings)
    return ", ".join(
        look.paint(
            _count(counts[severity], severity.label, _PLURALS[severity]), colour_of(severity)
        )
        for severity in sorted(counts, reverse=True)
    )


def _fixes(result: Result, look: Style) -> str:
    """How many fixes ``--fix`` would apply, and which options would add how many."""
    fixes = [f.fix for f in result.findings if f.fix and f.fix.applicability in _APPLICABLE]
    unsafe = any(fix.applicability is Applicability.UNSAFE for fix in fixes)
    given = " --unsafe-fixes" if unsafe and Applicability.UNSAFE in look.allowed else ""
    counts = Counter(_options(fix, look) for fix in fixes)
    if not counts:
        return ""
    if result.account is None and result.added is None:
        return f"{sum(counts.values())} fixable: lint the file, `bnlint FILE --fix`.\n"
    (first, number), *others = sorted(counts.items(), key=lambda item: item[0].count(" "))
    more = ", ".join(f"{count} more with{options}" for options, count in others)
    mark = look.paint("[*]", "cyan")
    beside = f" ({more})" if more else ""
    return f"{mark} {number} fixable with --fix{given}{first}{beside}.\n"


_APPLICABLE = (Applicability.SAFE, Applicability.UNSAFE)


def _options(fix: Fix, look: Style) -> str:
    """The options that a fix needs besides those that are given."""
    unsafe = "" if fix.applicability in look.allowed else " --unsafe-fixes"
    return unsafe + (" --fix-imports" if fix.beyond else "")


def _files(number: int) -> str:
    return _count(number, "file", "files")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
