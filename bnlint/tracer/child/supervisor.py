"""The server's side of one job: fork, read, wait, end whatever is left; only where there is ``fork``."""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from bnlint.tracer.child import failure_reasons
from bnlint.tracer.child.line_buffer import LineBuffer
from bnlint.tracer.child.protocol import OUTPUT_KEPT, Failure, Limits, Report, limits_of
from bnlint.tracer.child.worker import Runner, run_guarded, separate
from bnlint.tracer.record import blame

CHUNK = 1 << 16
CHUNKS_LEFT = 32  # more than a pipe holds
GRACE = 1.0
"""Seconds after which a process is killed that does not end by itself in time."""

BE_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of what the processes of jobs leave behind, so that it can be ended."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(BE_SUBREAPER, *map(ctypes.c_ulong, (1, 0, 0, 0)))


def supervise(job: Mapping[str, Any], runner: Runner, jobs: int, answers: int) -> Mapping[str, Any]:
    """Run a job in a fork and return its answer, or the reason why there is none.

    ``jobs`` and ``answers`` are the server's own pipes. Raises ``SystemExit`` when nobody is at the
    other end of ``jobs`` any more.
    """
    limits = limits_of(job)
    with _forked(job, runner, jobs, answers) as fork:
        status, seconds = _watch(fork, jobs, limits)
    output = fork.output.decode(errors="replace")
    reason = failure_reasons.of_end(status, limits, seconds, output + fork.report.dump)
    if fork.killed and seconds < limits.seconds:
        reason = failure_reasons.overtime(limits)
    if fork.lines.flooded:
        reason, fork.report.answer = failure_reasons.FLOODED, None
    failure = Failure(reason, blame.of_dump(fork.report.dump))
    return {**fork.report.completed(failure, output), "id": job["id"]}


@dataclass(slots=True)
class _Fork:
    """A running job, its pipes, and what came through them."""

    process: int
    pipes: dict[int, Callable[[bytes], None]] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    lines: LineBuffer = field(default_factory=LineBuffer)
    output: bytearray = field(default_factory=bytearray)
    killed: bool = False

    def read_answer(self, chunk: bytes) -> None:
        """Split what was said into lines."""
        for line in self.lines.take(chunk):
            self.report.read(line)

    def read_output(self, chunk: bytes) -> None:
        """Keep the end of what was printed."""
        self.output += chunk
        del self.output[:-OUTPUT_KEPT]

    def read(self, pipe: int) -> bool:
        """Read what is there; whether there can be more."""
        chunk = os.read(pipe, CHUNK)
        self.pipes[pipe](chunk)
        return bool(chunk)

    def kill_group(self) -> None:
        """End its process group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process, signal.SIGKILL)


@contextmanager
def _forked(job: Mapping[str, Any], runner: Runner, jobs: int, answers: int) -> Iterator[_Fork]:
    says, saying = os.pipe()
    prints, printing = os.pipe()
    server, process = os.getpid(), os.fork()
    if process == 0:
        try:
            separate(server, jobs, answers, printing)
            run_guarded(job, runner, saying)
        finally:
            os._exit(1)
    fork = _Fork(process)
    fork.pipes = {says: fork.read_answer, prints: fork.read_output}
    try:
        os.close(saying)
        os.close(printing)
        with suppress(OSError):  # it has done so itself
            os.setpgid(process, process)
        yield fork
    finally:
        fork.kill_group()
        _end_orphans()
        _drain(fork)


def _watch(fork: _Fork, jobs: int, limits: Limits) -> tuple[int, float]:
    """Read until the process ends; its exit status or negative signal, and its processor time."""
    deadline = time.monotonic() + limits.wall + GRACE
    waiting = select.poll()
    waiting.register(jobs, 0)  # only the end of it is news
    for pipe in fork.pipes:
        waiting.register(pipe, select.POLLIN)
    pause = 20
    while True:
        for pipe, _ in waiting.poll(pause):
            if pipe == jobs:
                sys.exit(0)
            if not fork.read(pipe):
                waiting.unregister(pipe)
                pause = 1  # it is about to end
        ended, status, usage = os.wait4(fork.process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline or fork.lines.flooded:
            fork.killed = True
            os.kill(fork.process, signal.SIGKILL)  # it may have left its group


def _drain(fork: _Fork) -> None:
    """Read what is still in the pipes, without waiting for those who may hold them."""
    for pipe in fork.pipes:
        os.set_blocking(pipe, False)
        with suppress(BlockingIOError):
            for _ in range(CHUNKS_LEFT):
                if not fork.read(pipe):
                    break
        os.close(pipe)


def _end_orphans() -> None:
    """Kill and bury all children of this process."""
    with suppress(ChildProcessError):
        while True:
            orphans = _children()
            for orphan in orphans:
                with suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
            ended, _ = os.waitpid(-1, 0 if orphans else os.WNOHANG)
            if not ended:
                return


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []
