"""What a run came to, as one object for programs: counts, what was understood, what was traced, times."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bnlint import __version__
from bnlint.facts.passes.account import Account
from bnlint.facts.types.run import NotUnderstood
from bnlint.facts.types.site import Site
from bnlint.finding import Severity
from bnlint.lint.engine import Result
from bnlint.visible import inert_json

if TYPE_CHECKING:
    from bnlint.lint.trace_program import Attempt

Json = Mapping[str, object]


def text(result: Result, seconds: Mapping[str, float]) -> str:
    """Return the object as JSON; ``seconds`` are those of each part of the run."""
    return inert_json(json.dumps(_summary(result, seconds), indent=2)) + "\n"


def _summary(result: Result, seconds: Mapping[str, float]) -> Json:
    told = result.account or Account()
    severities = Counter(finding.severity for finding in result.findings)
    return {
        "version": __version__,
        "files": {"checked": result.checked, "read": len(result.sources)},
        "findings": {severity.label: severities[severity] for severity in Severity},
        "rules": dict(sorted(Counter(finding.rule for finding in result.findings).items())),
        "scripts": list(told.scripts),
        "models": [{"class": model.type, **_place(model.site)} for model in told.models],
        "training_loops": [_place(site) for site in told.training_loops],
        "evaluations": [_place(site) for site in told.evaluations],
        "not_understood": [_gap(event) for event in told.not_understood],
        "unfinished": list(told.unfinished),
        "traced": [_traced(attempt) for attempt in result.attempts],
        "seconds": {name: round(spent, 6) for name, spent in sorted(seconds.items())},
    }


def _place(site: Site | None) -> Json:
    if site is None:
        return {"path": None, "line": None}
    return {"path": site.path, "line": site.span.line}


def _gap(event: NotUnderstood) -> Json:
    cause = event.reason.place
    return {
        "role": event.role.value,
        "name": event.name,
        "owner": event.owner or None,
        **_place(event.site),
        "reason": event.reason.text,
        "cause": _place(cause) if cause is not None else None,
    }


def _traced(attempt: "Attempt") -> Json:
    return {
        "class": attempt.name,
        "path": attempt.span.path,
        "line": attempt.span.line,
        "complete": attempt.complete,
        "inputs": list(attempt.record.inputs) if attempt.record is not None else [],
        "failure": attempt.failure or None,
    }
