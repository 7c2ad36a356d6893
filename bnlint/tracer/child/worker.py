"""One job in the process that it has for itself: engage the guard, run, write the answer, end."""

import ctypes
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NoReturn, TypeAlias

from bnlint.tracer.child import failure_reasons, guard
from bnlint.tracer.child.protocol import Limits, limits_of, line_of, write

Runner: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Takes a job and returns the keys of an answer that it knows."""

RESERVE = 16 << 20
DIE_WITH_PARENT = 1


def run_guarded(job: Mapping[str, Any], runner: Runner, pipe: int) -> NoReturn:
    """Run a job and write its answer into ``pipe``; the process ends here, whatever happens."""
    try:
        flush = _flush()
        limits = limits_of(job)
        _show_end(limits, pipe)
        reserve = [bytearray(RESERVE)]  # what explaining that the memory is full needs
        engaged = guard.engage(limits, lambda refused: _tell(pipe, {"refused": asdict(refused)}))
        _tell(pipe, {"lacks": engaged.lacks})
        line = _answer(job, runner, limits, reserve)
        engaged.tell = None  # a thread that goes on must not write into the middle of the answer
        flush()
    except BaseException:
        traceback.print_exc()
        os._exit(failure_reasons.NOT_RUN)
    try:
        write(pipe, line)
    except OSError:
        os._exit(failure_reasons.PIPE_CLOSED)
    os._exit(0)


def _answer(
    job: Mapping[str, Any], runner: Runner, limits: Limits, reserve: list[bytearray]
) -> bytes:
    try:
        return line_of({**runner(job), "id": job["id"]})
    except BaseException as error:
        reserve.clear()
        failure = failure_reasons.of_error(error, limits)
        package = failure_reasons.missing_package(error)
        traceback.clear_frames(error.__traceback__)
    missing = [] if package is None else [package]
    return line_of({"failure": asdict(failure), "missing": missing, "id": job["id"]})


def _tell(pipe: int, data: Mapping[str, Any]) -> None:
    with suppress(OSError):
        write(pipe, line_of(data))


def _show_end(limits: Limits, pipe: int) -> None:
    """Let the process write where it is when it crashes or runs out of time, and end it then."""
    faulthandler.enable(pipe, all_threads=False)
    if not hasattr(signal, "setitimer"):
        return
    for number in (signal.SIGXCPU, signal.SIGALRM):
        faulthandler.register(number, pipe, all_threads=False, chain=True)
    signal.setitimer(signal.ITIMER_REAL, limits.wall)


def _flush() -> Callable[[], object]:
    """A function that writes out what Python and C have kept back of the output."""
    libc = ctypes.CDLL(None) if os.name == "posix" else None

    def flush() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        if libc is not None:
            libc.fflush(None)

    return flush


def separate(server: int, jobs: int, answers: int, output: int) -> None:
    """Give a fork its own process group, output and signals, and no hold on the server's pipes.

    It ends with its parent, the process ``server``.
    """
    os.setpgid(0, 0)
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != server:  # it ended before that
        os._exit(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for pipe in (jobs, answers, output):
        os.close(pipe)
