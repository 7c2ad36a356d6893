"""What a job in the child may use, and what comes back from it; knows neither torch nor LibCST."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from bnlint import typed_json
from bnlint.immutable import immutable
from bnlint.tracer.record.records import TracePlace, TraceRecord, from_json
from bnlint.typed_json import Malformed

OUTPUT_KEPT = 4096
"""Bytes of what a model prints that are kept, from the end."""

MOST_REFUSALS = 50
"""Refusals and lacks that are told of one job."""

MOST_BRACKETS = 1 << 20
"""In one line; each may become an object that takes a hundred times as much memory."""

UNREADABLE = "gave no answer that can be read: its code may have written into the pipe for it"

UNUSABLE = 3
"""Exit status of the server when the last line of its errors says why this Python cannot trace."""


@immutable
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


@immutable
class GuardRefusal:
    """Something that the code of a model tried and was not allowed; ``what`` is a sentence."""

    what: str
    place: TracePlace | None = None


@immutable
class Failure:
    """Why a job has no result, in words for the user, and where in the user's code."""

    reason: str
    place: TracePlace | None = None


@immutable
class JobAnswer:
    """What a job gave.

    ``missing`` are packages that the code needed and did not find. ``output`` is the end of what the
    model printed. ``lacks`` says which limits this platform could not set.
    """

    trace: TraceRecord | None = None
    signal: Mapping[str, Any] | None = None
    failure: Failure | None = None
    refused: tuple[GuardRefusal, ...] = ()
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
        """Take one line; the code of the model may have written it, so it may be anything."""
        data = _parsed(line)
        if data is None:
            self.dump += (
                line[: max(0, OUTPUT_KEPT - len(self.dump))].decode(errors="replace") + "\n"
            )
        match data:
            case {"id": int()}:
                self.answer = data
            case {"refused": dict() as refusal} if len(self.refused) < MOST_REFUSALS:
                with suppress(Malformed):
                    typed_json.read(GuardRefusal, refusal)
                    self.refused.append(refusal)
            case {"lacks": lacks}:
                with suppress(Malformed):
                    self.lacks = typed_json.read(tuple[str, ...], lacks)[:MOST_REFUSALS]

    def completed(self, failure: Failure, output: str) -> Mapping[str, Any]:
        """The answer with all of its keys; ``failure`` is the reason if there is none."""
        found = {"failure": asdict(failure)} if self.answer is None else self.answer
        own = {key: found.get(key) for key in ("trace", "signal", "failure")}
        rest = {"refused": self.refused, "lacks": self.lacks, "output": output}
        return {**own, "missing": found.get("missing", []), **rest}


def _parsed(line: bytes) -> Any:
    """The JSON of a line; ``None`` where it is none."""
    if line.count(b"[") + line.count(b"{") > MOST_BRACKETS:
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def line_of(data: Mapping[str, Any]) -> bytes:
    """A line of JSON; raises ``TypeError`` for what JSON cannot hold."""
    return json.dumps(data).encode() + b"\n"


def write(pipe: int, line: bytes) -> None:
    """Write all of a line; raises ``OSError`` where nobody reads it."""
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def answer_of(data: Mapping[str, Any]) -> JobAnswer:
    """Read the line that the child wrote; what cannot be read is a failure of that job."""
    told = {
        "refused": _read(tuple[GuardRefusal, ...], data.get("refused"), ())[:MOST_REFUSALS],
        "lacks": _read(tuple[str, ...], data.get("lacks"), ())[:MOST_REFUSALS],
        "output": _read(str, data.get("output"), "")[-OUTPUT_KEPT:],
    }
    trace, signal, failure = (data.get(name) for name in ("trace", "signal", "failure"))
    try:
        if trace is signal is failure is None or not isinstance(signal, dict | None):
            raise Malformed("nothing was answered")
        return JobAnswer(
            None if trace is None else from_json(trace),
            signal,
            typed_json.read(Failure | None, failure),
            missing=typed_json.read(tuple[str, ...], data.get("missing", [])),
            **told,
        )
    except (Malformed, RecursionError):
        return JobAnswer(failure=Failure(UNREADABLE), **told)


def limits_of(job: Mapping[str, Any]) -> Limits:
    """The limits that a job names, and the usual ones for the rest."""
    return Limits(**job.get("limits", {}))


def _read(kind: Any, data: object, otherwise: Any) -> Any:
    try:
        return typed_json.read(kind, data)
    except Malformed:
        return otherwise
