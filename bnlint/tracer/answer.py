"""What a job in the child may use, and what comes back from it; knows neither torch nor LibCST."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bnlint.tracer.records import Place, TraceRecord, from_json

OUTPUT_KEPT = 4096
"""Bytes of what a model prints that are kept, from the end."""

UNUSABLE = 3
"""Exit status of the server when the last line of its errors says why this Python cannot trace."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use: ``seconds`` of processor time and ``memory_mb`` MiB beyond what torch has.

    A job that waits or sleeps uses no processor time, so it is also ended after ``patience`` times
    as many seconds of the clock.
    """

    seconds: float = 60
    memory_mb: int = 4096
    patience: float = 2

    @property
    def wall(self) -> float:
        """Seconds of the clock."""
        return self.seconds * self.patience


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that the code of a model tried and was not allowed; ``what`` is a sentence."""

    what: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job has no result, in words for the user, and where in the user's code."""

    reason: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job gave.

    ``missing`` are packages that the code needed and did not find. ``output`` is the end of what the
    model printed. ``lacks`` says which limits this platform could not set.
    """

    trace: TraceRecord | None = None
    signal: Mapping[str, Any] | None = None
    failure: Failure | None = None
    refused: tuple[Refusal, ...] = ()
    missing: tuple[str, ...] = ()
    output: str = ""
    lacks: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """What the process of a job has written so far: lines of JSON, and a dump of its stack if it dies.

    The last line is the answer. What was refused goes ahead of it, one line each, because not every
    process lives to answer.
    """

    answer: Mapping[str, Any] | None = None
    refused: list[Mapping[str, Any]] = field(default_factory=list)
    lacks: tuple[str, ...] = ()
    dump: str = ""

    def read(self, line: bytes) -> None:
        """Take one line."""
        try:
            data = json.loads(line)
        except ValueError:
            self.dump += line.decode(errors="replace") + "\n"
            return
        match data:
            case {"id": int()}:
                self.answer = data
            case {"refused": {"what": str()} as refusal}:
                self.refused.append(refusal)
            case {"lacks": [*lacks]}:
                self.lacks = tuple(map(str, lacks))

    def completed(self, failure: Failure, output: str) -> Mapping[str, Any]:
        """The answer with all of its keys; ``failure`` is the reason if there is none."""
        found = {"failure": asdict(failure)} if self.answer is None else self.answer
        rest = {"refused": self.refused, "lacks": self.lacks, "output": output}
        return {"trace": None, "signal": None, "failure": None, "missing": [], **found, **rest}


def line_of(data: Mapping[str, Any]) -> bytes:
    """A line of JSON; raises ``TypeError`` for what JSON cannot hold."""
    return json.dumps(data).encode() + b"\n"


def write(pipe: int, line: bytes) -> None:
    """Write all of a line; raises ``OSError`` where nobody reads it."""
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def answer_of(data: Mapping[str, Any]) -> Answer:
    """Read the line that the child wrote; raises ``KeyError`` or ``TypeError`` for anything else."""
    trace, failure = data.get("trace"), data.get("failure")
    return Answer(
        trace=None if trace is None else from_json(trace),
        signal=data.get("signal"),
        failure=None if failure is None else Failure(failure["reason"], _place(failure["place"])),
        refused=tuple(Refusal(one["what"], _place(one["place"])) for one in data["refused"]),
        missing=tuple(data.get("missing", ())),
        output=data["output"],
        lacks=tuple(data["lacks"]),
    )


def limits_of(job: Mapping[str, Any]) -> Limits:
    """The limits that a job names, and the usual ones for the rest."""
    return Limits(**job.get("limits", {}))


def _place(data: Mapping[str, Any] | None) -> Place | None:
    return None if data is None else Place(**data)
