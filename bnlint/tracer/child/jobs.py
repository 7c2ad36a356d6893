"""What the child does for one job: build a model, trace it, perhaps measure its signal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from bnlint.facts.types import signal as signals
from bnlint.tracer.building.build_model import BuildFailure, build
from bnlint.tracer.child.protocol import Failure
from bnlint.tracer.record.inputs import Size, example_inputs
from bnlint.tracer.record.records import to_json
from bnlint.tracer.record.trace_model import trace
from bnlint.tracer.signal.measuring import measure

BATCH = 2
"""Samples in a guessed input."""
SIGNAL_BATCH = 8
"""Samples in a guessed input that statistics are taken over."""


def run_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """Do a job and return the answer's parts; errors of the user's code pass through.

    With ``measure`` ``"signal"`` the model is built with real parameters and its signal is measured,
    too.
    """
    measures = job.get("measure") == "signal"
    try:
        built = build(job["build"], job["home"], job.get("argv0", ""), real=measures)
    except BuildFailure as failure:
        return {"failure": asdict(Failure(failure.reason, failure.place))}
    sizes = _sizes(job.get("inputs"))
    candidates = example_inputs(built.module, sizes, SIGNAL_BATCH if measures else BATCH)
    traced = trace(built.module, candidates)
    record = replace(traced.record, notes=built.notes)
    answer: dict[str, Any] = {"trace": to_json(record), "missing": list(built.missing)}
    if measures:
        measured = measure(built.module, traced.inputs.tensors, traced.recording)
        answer["signal"] = signals.to_json(measured)
    return answer


def _sizes(given: Sequence[Any] | None) -> list[Size] | None:
    return None if given is None else [(tuple(size), name) for size, name in given]
