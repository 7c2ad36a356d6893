"""Who lints programs: this process, several at once, or whatever executor one has."""

import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from bnlint.errors import UsageError
from bnlint.lint.job import Job, Outcome, Progress, Trace
from bnlint.stopwatch import add_seconds, is_running, stopwatch

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future, ThreadPoolExecutor

STACK = 512 << 20
"""Bytes of address space for a thread that lints: what it calls nests as deeply as the code."""
WORTH = 40_000
"""Bytes of code in the smaller programs from which on further processes are started."""
_KILLED = (
    "a process that lints was killed, perhaps because memory ran out: `--jobs 1` takes less of it"
)


class Workers(Protocol):
    """Lints programs and yields what came of each, in their order."""

    def __call__(
        self, jobs: Sequence[Job], progress: Progress | None, trace: Trace | None
    ) -> Iterator[Outcome]:
        """``progress`` is told the number of files done and of all."""


def in_this_process(
    jobs: Sequence[Job], progress: Progress | None = None, trace: Trace | None = None
) -> Iterator[Outcome]:
    """Lint one program after the other; what that takes is not imported where there is none."""
    if not jobs:
        return
    from bnlint.lint.program import lint_program

    total, done = sum(len(job.targets) for job in jobs), 0
    for job in jobs:
        yield lint_program(job, _from(progress, done, total), trace)
        done += len(job.targets)


def _from(progress: Progress | None, before: int, total: int) -> Progress | None:
    return None if progress is None else lambda done, _: progress(before + done, total)


def over_processes(number: int) -> Workers:
    """Lint in so many processes, where that pays; models are traced by this one alone."""

    def work(
        jobs: Sequence[Job], progress: Progress | None, trace: Trace | None
    ) -> Iterator[Outcome]:
        at_once = min(number, len(jobs))
        if trace is not None or at_once < 2 or sum(sorted(map(_size, jobs))[:-1]) < WORTH:
            yield from in_this_process(jobs, progress, trace)
            return
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        with ProcessPoolExecutor(at_once, context, _begin) as pool:
            yield from over(pool)(jobs, progress, trace)

    return work


def _size(job: Job) -> int:
    """Bytes of the files that were asked for."""
    return sum(target.size for target in job.targets)


def _begin() -> None:
    """A process ends at once with the one that started it, and is too short-lived to collect."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()


def cores() -> int:
    """The processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def over(executor: "Executor") -> Workers:
    """Let an executor lint, the largest programs first; models are traced by this process alone."""

    def work(
        jobs: Sequence[Job], progress: Progress | None, trace: Trace | None
    ) -> Iterator[Outcome]:
        if trace is not None:
            yield from in_this_process(jobs, progress, trace)
            return
        from concurrent.futures import BrokenExecutor

        futures: dict[Job, Future[Outcome]] = {}
        for job in sorted(jobs, key=_size, reverse=True):
            futures[job] = executor.submit(_elsewhere, job, timed=is_running())
        _watch(futures, progress)
        try:
            outcomes = [futures[job].result() for job in jobs]
        except BrokenExecutor:
            raise UsageError(_KILLED) from None
        for outcome in outcomes:
            add_seconds(outcome.seconds)
            yield outcome

    return work


def _watch(futures: "Mapping[Job, Future[Outcome]]", progress: Progress | None) -> None:
    from concurrent.futures import as_completed

    files = {future: len(job.targets) for job, future in futures.items()}
    done = 0
    for future in as_completed(files):
        done += files[future]
        if progress is not None:
            progress(done, sum(files.values()))


def _elsewhere(job: Job, *, timed: bool) -> Outcome:
    """Lint in another process: what the program does stays there."""
    from bnlint.lint.program import lint_program
    from bnlint.source import parsed

    job = replace(job, overrides={file: parsed(text) for file, text in job.overrides.items()})
    if not timed:
        return replace(lint_program(job), runs=(), graphs=())
    with stopwatch() as seconds:
        outcome = lint_program(job)
    return replace(outcome, runs=(), graphs=(), seconds=seconds)


def one_thread() -> "ThreadPoolExecutor":
    """A thread of this process that has the stack to lint, for what has to go on meanwhile."""
    import threading
    from concurrent.futures import ThreadPoolExecutor

    before = threading.stack_size(STACK)
    try:
        thread = ThreadPoolExecutor(1)
        thread.submit(lambda: None).result()
    finally:
        threading.stack_size(before)
    return thread


def remembering(workers: Workers) -> Workers:
    """Lint a program again only where the text of one of its files is another one."""
    known: dict[tuple[object, ...], Outcome] = {}

    def work(
        jobs: Sequence[Job], progress: Progress | None, trace: Trace | None
    ) -> Iterator[Outcome]:
        asked = [job for job in jobs if not _holds(job, known.get(job.targets))]
        known.update(
            zip((job.targets for job in asked), workers(asked, progress, trace), strict=True)
        )
        yield from (known[job.targets] for job in jobs)

    return work


def _holds(job: Job, outcome: Outcome | None) -> bool:
    """Whether what came of a program still does, if it reads the same files."""
    if outcome is None or outcome.texts:
        return False
    texts = {**job.elsewhere, **job.overrides}
    return all(texts.get(f.file, f).content == f.content for f in outcome.files)
