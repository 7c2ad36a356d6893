"""How many models the tracer records, how fast, and whether the recording computes the same.

    python benchmarks/zoo.py [FOLDER ...] [--replay N] [--only TEXT] [--json FILE]

The models are those of pytorchcv, timm and torchvision (the smallest of each file) and, for each
FOLDER, the factories and classes that need no argument, of files that only define things. Each one
is built and traced in train mode, with guessed inputs, in a process of its own. With ``--replay`` the
recordings of N models, spread over the sources, are run on random numbers instead, against the
models themselves.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from candidates import Candidate
from forked import in_child
from replaying import Replay, replay
from torch import fx, nn
from zoo_models import SOURCES, build, prepare, zoo

from bnlint.tracer.record.inputs import example_inputs
from bnlint.tracer.record.trace_model import trace
from bnlint.tracer.record.ways import record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MEMORY = 8 << 30
PATIENCE = 300.0
"""Seconds for running a model several times on real tensors."""
T = TypeVar("T")
D = TypeVar("D", bound="DataclassInstance")
HOWS = ("meta", "cpu", "symbolic", "partial")


@dataclass(frozen=True)
class Measured:
    """One traced model. ``seconds`` are those of the whole trace, with all inputs that were tried.

    ``record_seconds`` are those of recording it again with the inputs that worked, and
    ``fx_seconds`` those of tracing it again with torch.fx, if that works.
    """

    how: str
    problems: tuple[str, ...]
    meta_problems: tuple[str, ...]
    inputs: tuple[str, ...]
    calls: int
    parameters: int
    build_seconds: float
    seconds: float
    record_seconds: float
    fx_seconds: float | None


@dataclass(frozen=True)
class Outcome:
    """What came of one model; ``problem`` says why there is no measurement."""

    source: str
    file: str
    expression: str
    measured: Measured | None
    problem: str

    @property
    def complete(self) -> bool:
        """Whether every operation was recorded."""
        return self.measured is not None and not self.measured.problems

    @property
    def built(self) -> bool:
        """Whether there was a model to trace: what dies later was built."""
        return self.measured is not None or not self.problem.startswith("not built")

    @property
    def name(self) -> str:
        """Where the model comes from and how it is built."""
        return f"{self.source} {self.file} {self.expression}"


class NotBuilt(Exception):
    """The model could not be built."""


def measure(candidate: Candidate) -> Measured:
    """Build a model and trace it; raises :class:`NotBuilt`, or what the tracer raises."""
    start = time.perf_counter()
    try:
        model = build(candidate)
    except BaseException as error:
        raise NotBuilt(f"{type(error).__name__}: {error}") from error
    built = time.perf_counter() - start
    traced, seconds = timed(lambda: trace(model, example_inputs(model)))
    _, again = timed(lambda: record(model, traced.inputs.tensors))
    recording = traced.recording
    return Measured(
        recording.how,
        recording.problems,
        () if recording.how == "meta" else _problems_on_meta(model, traced.inputs.tensors),
        traced.record.inputs,
        len(traced.record.calls),
        sum(parameter.numel() for parameter in model.parameters()),
        built,
        seconds,
        again,
        fx_seconds(model),
    )


def _problems_on_meta(model: nn.Module, inputs: tuple[object, ...]) -> tuple[str, ...]:
    return record(model, inputs, ways=("meta",)).problems


def fx_seconds(model: nn.Module) -> float | None:
    """How long torch.fx takes, the second time; ``None`` where it fails."""
    try:
        fx.symbolic_trace(model)
        return timed(lambda: fx.symbolic_trace(model))[1]
    except Exception:
        return None


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result and the seconds that it took."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def outcome_of(candidate: Candidate) -> Outcome:
    """Measure a model in a process of its own."""
    measured, problem, _ = in_child(lambda: measure(candidate), memory=MEMORY)
    problem = problem.replace("NotBuilt:", "not built:")
    file = str(candidate.file.relative_to(candidate.root))
    return Outcome(candidate.source, file, candidate.expression, measured, problem)


def table(outcomes: Iterable[Outcome]) -> str:
    """The numbers by source and over all."""
    heads = "".join(f"{how:>9}" for how in HOWS)
    lines = [
        f"{'source':32} models  built complete{heads}"
        f"{'median s':>10}{'p90':>7}{'max':>7}{'fx':>6}{'ratio':>7}"
    ]
    for source, group in grouped(outcomes):
        traced = [outcome.measured for outcome in group if outcome.measured is not None]
        built = sum(outcome.built for outcome in group)
        complete = sum(outcome.complete for outcome in group)
        hows = Counter(measured.how for measured in traced)
        counts = "".join(f"{hows[how]:9}" for how in HOWS)
        ratios = [m.record_seconds / m.fx_seconds for m in traced if m.fx_seconds is not None]
        seconds = sorted(measured.seconds for measured in traced) or [0.0]
        lines.append(
            f"{source[:32]:32} {len(group):6} {built:6} {complete:8}{counts}"
            f"{statistics.median(seconds):10.2f}{seconds[int(0.9 * len(seconds))]:7.2f}"
            f"{seconds[-1]:7.2f}{len(ratios):6}{statistics.median(ratios or [0.0]):7.2f}"
        )
    return "\n".join(lines)


class HasSource(Protocol):
    """Anything that came of a model."""

    @property
    def source(self) -> str:
        """Where the model comes from."""


S = TypeVar("S", bound=HasSource)


def grouped(outcomes: Iterable[S]) -> Iterator[tuple[str, list[S]]]:
    """Outcomes by source, and at the end all of them."""
    listed = list(outcomes)
    for source in dict.fromkeys(outcome.source for outcome in listed):
        yield source, [outcome for outcome in listed if outcome.source == source]
    yield "all", listed


def reasons(outcomes: Iterable[Outcome]) -> str:
    """Why models are not complete, each reason with its models."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if not outcome.complete:
            said = outcome.problem or (outcome.measured.problems[0] if outcome.measured else "")
            found.setdefault(said, []).append(outcome)
    lines = []
    for said, group in sorted(found.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(group):3}  {said}")
        lines += [f"       {outcome.name}" for outcome in group]
    return "\n".join(lines)


@dataclass(frozen=True)
class Replayed:
    """What came of replaying a model; ``problem`` says why there is no result."""

    source: str
    name: str
    result: Replay | None
    problem: str


def replayed(candidates: list[Candidate], count: int) -> Iterator[Replayed]:
    """Replay ``count`` models, spread over the sources; those that are too large do not count."""
    done = 0
    for candidate in spread(candidates):
        if done == count:
            return
        result, problem, _ = in_child(partial(replay, candidate), PATIENCE, MEMORY)
        done += result is not None
        name = f"{candidate.source} {candidate.file.name} {candidate.expression}"
        yield Replayed(candidate.source, name, result, problem)


def spread(candidates: list[Candidate]) -> Iterator[Candidate]:
    """The models in an order that takes from all sources in turn, and evenly within each."""
    order: list[tuple[float, Candidate]] = []
    for source in dict.fromkeys(candidate.source for candidate in candidates):
        own = [candidate for candidate in candidates if candidate.source == source]
        golden = [(0.618034 * number) % 1 for number in range(len(own))]
        shuffled = [own[i] for i in sorted(range(len(own)), key=golden.__getitem__)]
        order += [((rank + 0.5) / max(1, len(own)) ** 0.5, c) for rank, c in enumerate(shuffled)]
    return (candidate for _, candidate in sorted(order, key=lambda entry: entry[0]))


def selected(sources: str, folders: Iterable[Path], only: str) -> list[Candidate]:
    """The models that the command line asks for; ends the program for a folder that is not there."""
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing:
        sys.exit(f"no such folder: {', '.join(missing)}")
    candidates = zoo([source for source in sources.split(",") if source], folders)
    return [c for c in candidates if only in f"{c.file} {c.expression}"]


def main() -> None:
    """Run, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--sources", default=",".join(SOURCES), help="packages, with commas")
    parser.add_argument("--only", default="", help="models whose file or expression has this")
    parser.add_argument("--replay", type=int, metavar="N", help="run the recordings of N models")
    parser.add_argument("--json", type=Path, help="write outcomes to this file, one a line")
    options = parser.parse_args()
    prepare()
    tempfile.gettempdir()  # it probes folders by writing to them, which children may not
    candidates = list(selected(options.sources, options.folders, options.only))
    if options.replay is not None:
        kept(replayed(candidates, options.replay), options.json, show_replays)
    else:
        kept(map(outcome_of, spread(candidates)), options.json, show_traces)


def kept(outcomes: Iterable[D], file: Path | None, show: Callable[[list[D]], None]) -> None:
    """Write outcomes down as they come, and show them at the end, also after Ctrl-C."""
    listed: list[D] = []
    with open(file or os.devnull, "w") as lines, suppress(KeyboardInterrupt):
        for outcome in outcomes:
            listed.append(outcome)
            print(json.dumps(asdict(outcome)), file=lines, flush=True)
    show(listed)


def show_traces(outcomes: list[Outcome]) -> None:
    """Print which models are not complete, and the table."""
    print(reasons(outcomes))
    print()
    print(table(outcomes))


def show_replays(replays: list[Replayed]) -> None:
    """Print what differs, and how often which verdict was found."""
    verdicts: Counter[str] = Counter()
    for entry in replays:
        if entry.result is None:
            print(f"{entry.name}: {entry.problem}")
            continue
        for run in entry.result.runs:
            verdicts[f"{run.mode}: {run.verdict}"] += 1
            if not run.equal:
                print(f"{entry.name}, {run.mode}: {run.verdict}; {run.detail}")
    print()
    for verdict, number in sorted(verdicts.items()):
        print(f"{number:5} {verdict}")


if __name__ == "__main__":
    main()
