"""What a run came to, as one object for programs: counts, what was understood, what was traced, times."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

from bnlint import __version__
from bnlint.facts.types.account import Account, BuiltModel, Gap, ScriptRole
from bnlint.finding import Severity
from bnlint.lint.engine import Result
from bnlint.report.locations import PlaceJson, place
from bnlint.visible import inert_json

if TYPE_CHECKING:
    from bnlint.lint.trace_program import Attempt


class FilesJson(TypedDict):
    """How many files."""

    checked: Annotated[int, "those asked for"]
    read: Annotated[int, "with what they import"]


ModelJson = TypedDict(
    "ModelJson",
    {"class": str, "path": str | None, "line": int | None},
)


class GapJson(TypedDict):
    """Something that was not understood."""

    role: ScriptRole
    name: str
    owner: Annotated[str | None, "the model that a layer belongs to"]
    path: str
    line: int
    reason: str
    cause: Annotated[PlaceJson | None, "where the reason stands"]


TracedJson = TypedDict(
    "TracedJson",
    {
        "class": str,
        "path": str,
        "line": int,
        "complete": bool,
        "inputs": Annotated[Sequence[str], "such as 8x3x224x224"],
        "failure": str | None,
    },
)


class SummaryJson(TypedDict):
    """What a run came to."""

    version: Annotated[str, "of bnlint"]
    files: FilesJson
    findings: Annotated[Mapping[str, int], "number of each severity"]
    rules: Annotated[Mapping[str, int], "number of each rule that found something"]
    scripts: Annotated[Sequence[str], "paths of those that were rehearsed"]
    models: Annotated[Sequence[ModelJson], "with BatchNorm, that scripts build"]
    training_loops: Sequence[PlaceJson]
    evaluations: Sequence[PlaceJson]
    not_understood: Sequence[GapJson]
    unfinished: Annotated[Sequence[str], "scripts and functions not followed to their end"]
    traced: Annotated[Sequence[TracedJson], "with --trace"]
    seconds: Annotated[Mapping[str, float], "what each part of the run took"]


def text(result: Result, seconds: Mapping[str, float]) -> str:
    """Return the object as JSON; ``seconds`` are those of each part of the run."""
    return inert_json(json.dumps(_summary(result, seconds), indent=2)) + "\n"


def _summary(result: Result, seconds: Mapping[str, float]) -> SummaryJson:
    told = result.account or Account()
    severities = Counter(finding.severity for finding in result.findings)
    return {
        "version": __version__,
        "files": {"checked": result.checked, "read": len(result.sources)},
        "findings": {severity.label: severities[severity] for severity in Severity},
        "rules": dict(sorted(Counter(finding.rule for finding in result.findings).items())),
        "scripts": list(told.scripts),
        "models": [_model(model) for model in told.models],
        "training_loops": [place(span) for span in told.training_loops],
        "evaluations": [place(span) for span in told.evaluations],
        "not_understood": [_gap(gap) for gap in told.not_understood],
        "unfinished": list(told.unfinished),
        "traced": [_traced(attempt) for attempt in result.attempts],
        "seconds": {name: round(spent, 6) for name, spent in sorted(seconds.items())},
    }


def _model(model: BuiltModel) -> ModelJson:
    if model.span is None:
        return {"class": model.type, "path": None, "line": None}
    return {"class": model.type, "path": model.span.path, "line": model.span.line}


def _gap(gap: Gap) -> GapJson:
    return {
        "role": gap.role,
        "name": gap.name,
        "owner": gap.owner or None,
        "path": gap.span.path,
        "line": gap.span.line,
        "reason": gap.reason,
        "cause": place(gap.cause) if gap.cause is not None else None,
    }


def _traced(attempt: "Attempt") -> TracedJson:
    return {
        "class": attempt.name,
        "path": attempt.span.path,
        "line": attempt.span.line,
        "complete": attempt.complete,
        "inputs": list(attempt.record.inputs) if attempt.record is not None else [],
        "failure": attempt.failure or None,
    }
