"""Trace a live model: feed it, record its forwards, describe them."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from torch import fx, nn

from bnlint.immutable import immutable
from bnlint.tracer.record.describing import describe
from bnlint.tracer.record.inputs import Inputs
from bnlint.tracer.record.records import TraceRecord
from bnlint.tracer.record.uncalled import never_called
from bnlint.tracer.record.ways import WAYS, Recording, record

MOST_WITH_VALUES = 3
"""Guesses that are tried with real tensors: those that came furthest without."""


@immutable
class Trace:
    """A traced model: what was recorded, with which inputs, and its description."""

    record: TraceRecord
    recording: Recording
    inputs: Inputs


def trace(model: nn.Module, candidates: Iterable[Inputs], name: str = "") -> Trace:
    """Record a model in train mode, with the first inputs that it takes.

    A forward in eval mode is recorded, too, to know which layers are called at all. Raises
    ``ValueError`` where there is no input to try.
    """
    start = time.perf_counter()
    inputs, recording = _best(model, candidates)
    described = describe(model, recording.module.graph, name or type(model).__name__)
    silent = tuple(never_called(model, _graphs(model, inputs, recording)))
    done = replace(
        described,
        how=recording.how,
        inputs=inputs.sizes,
        guessed=inputs.guessed,
        problems=recording.problems,
        never_called=silent,
        seconds=time.perf_counter() - start,
    )
    return Trace(done, recording, inputs)


def _best(model: nn.Module, candidates: Iterable[Inputs]) -> tuple[Inputs, Recording]:
    """The first recording with shapes, or else a complete one, or else the longest.

    An input that somebody gave and that the model does not take is a problem, even though the model
    can be traced without any.
    """
    tried: list[tuple[Inputs, Recording]] = []
    for inputs in candidates:
        recording = record(model, inputs.tensors, ways=("meta",))
        if not recording.problems:
            return inputs, recording
        tried.append((inputs, recording))
    if not tried:
        raise ValueError("there is no input to trace the model with")
    tried.sort(key=lambda entry: -len(entry[1].module.graph.nodes))
    for inputs, recording in tried[:MOST_WITH_VALUES]:
        if inputs.guessed and not _needs_values(recording):
            continue
        recording = record(model, inputs.tensors, ways=("cpu",))
        if not recording.problems:
            return inputs, recording
    inputs, longest = tried[0]
    ways = WAYS if _needs_values(longest) or not inputs.guessed else ("meta", "symbolic")
    recording = record(model, inputs.tensors, ways=ways)
    if inputs.guessed or recording.problems:
        return inputs, recording
    return inputs, replace(recording, problems=recording.failures[-1:])


def _needs_values(recording: Recording) -> bool:
    """Whether a model failed for want of data, which torch says; else a guess is just wrong."""
    return any("meta" in problem.lower() for problem in recording.problems)


def _graphs(model: nn.Module, inputs: Inputs, recording: Recording) -> Iterator[fx.Graph | None]:
    """The graphs in train and in eval mode.

    ``None`` for one that is not complete, or took a branch that it chose by made-up values.
    """
    yield _undoubted(recording)
    if not recording.problems:
        yield _undoubted(record(model, inputs.tensors, training=False))


def _undoubted(recording: Recording) -> fx.Graph | None:
    return None if recording.problems or recording.looked else recording.module.graph
