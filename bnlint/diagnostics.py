"""What bnlint reports that is not a rule's finding: trouble with a file, a rule or a comment."""

from pathlib import Path

from bnlint.finding import Finding, Fix, Severity, Span
from bnlint.immutable import immutable
from bnlint.urls import ISSUES


@immutable
class Diagnostic:
    """One kind of trouble; ``meaning`` is what ``bnlint explain`` says about it."""

    id: str
    name: str
    severity: Severity
    meaning: str

    def at(self, span: Span, message: str, fix: Fix | None = None) -> Finding:
        """Report it at a place."""
        return Finding(self.id, self.name, self.severity, message, span, fix=fix)


UNREADABLE_FILE = Diagnostic(
    "BN000",
    "unreadable-file",
    Severity.ERROR,
    "The file could not be read as Python 3, so nothing in it was checked. The other files were.\n"
    "Correct the place that the message names, or leave the file out with `exclude`.",
)
RULE_CRASHED = Diagnostic(
    "BN001",
    "rule-crashed",
    Severity.ERROR,
    "A rule stopped with an exception, which is a defect of bnlint and not of your code. The\n"
    f"findings of all other rules are complete. Please report the message at {ISSUES}.",
)
UNUSED_IGNORE = Diagnostic(
    "BN002",
    "unused-ignore",
    Severity.WARNING,
    "An ignore comment silences nothing: the problem is gone, or the comment stands at the wrong\n"
    "statement or names no rule. Reported with `--report-unused-ignores`; `--fix` removes it.",
)
REHEARSAL_FAILED = Diagnostic(
    "BN003",
    "rehearsal-failed",
    Severity.ERROR,
    "Reading what the named function, class or script does stopped with an exception, which is a\n"
    "defect of bnlint and not of your code. What follows the place in it was not checked; all else\n"
    f"was. Please report the message at {ISSUES}.",
)

NOT_TRACED = Diagnostic(
    "BN004",
    "model-not-traced",
    Severity.ADVICE,
    "With `--trace` or `bnlint trace`: a model could not be built or traced, or not as a whole. The\n"
    "message says why, with the line of your code. What reading the code found stands all the same.\n"
    "Trace it by itself and give what is missing: `bnlint trace FILE:CLASS --arg NAME=VALUE --input\n"
    "SIZE`.",
)

ALL = (UNREADABLE_FILE, RULE_CRASHED, UNUSED_IGNORE, REHEARSAL_FAILED, NOT_TRACED)


LONGEST_REASON = 500
"""Characters of an exception's text that are shown; it may quote what was read."""


def start_of(path: str) -> Span:
    """Return the span that stands for a whole file."""
    return Span(path, 0, 0, 1, 1, 1, 1)


def describe(error: BaseException) -> str:
    """Name an exception and the line that raised it, in one line."""
    import traceback

    said = " ".join(str(error)[:LONGEST_REASON].split())
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"`{what}`{where}"
