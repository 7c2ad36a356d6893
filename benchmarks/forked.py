"""Work in a forked process of its own, with limits of time and memory."""

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

TIMEOUT = 120.0
MEMORY = 4 << 30
FORBIDDEN = (
    "socket.",
    "subprocess.",
    "shutil.",
    "os.system",
    "os.exec",
    "os.remove",
    "os.rename",
    "os.mkdir",
)
T = TypeVar("T")
FORK = multiprocessing.get_context("fork")


def in_child(
    work: Callable[[], T], timeout: float = TIMEOUT, memory: int = MEMORY
) -> tuple[T | None, str, float]:
    """Run in a forked process with limits: result or ``None``, what went wrong, seconds.

    ``memory`` is in bytes of address space.
    """
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_child, args=(work, sender, timeout, memory), daemon=True)
    process.start()
    sender.close()
    try:
        answered = receiver.poll(timeout)
        result: tuple[T | None, str, float]
        result = receiver.recv() if answered else (None, "timeout", timeout)
    except EOFError:
        result = None, "the process died", 0.0
    process.kill()
    process.join()
    return result


def _child(work: Callable[[], object], sender: Connection, timeout: float, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (int(timeout), int(timeout)))
    sys.dont_write_bytecode = True
    sys.stdout = sys.stderr = open("/dev/null", "w")  # noqa: SIM115
    sys.addaudithook(_refuse)
    start = time.perf_counter()
    try:
        sender.send((work(), "", time.perf_counter() - start))
    except BaseException as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        sender.send((None, said[:200], time.perf_counter() - start))


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    """A guard against accidents of imported code, no sandbox."""
    if event == "open":
        flags = arguments[2]
        refused = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    else:
        refused = event.startswith(FORBIDDEN)
    if refused:
        raise PermissionError(f"{event} {arguments[:1]}")
