"""Starts the server with a chosen interpreter, and reads whatever it writes."""

import json
import os
import queue
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from bnlint.errors import UsageError
from bnlint.tracer.child.environment import environment
from bnlint.tracer.child.line_buffer import LineBuffer
from bnlint.tracer.child.protocol import OUTPUT_KEPT, UNUSABLE

PACKAGE = str(Path(__file__).parents[2])
START_SECONDS = 180.0
STOP_SECONDS = 2.0
WAKE_UP = 0.5

BOOTSTRAP = """
import sys
if sys.version_info < (3, 11):
    version = sys.version.split()[0]
    sys.stderr.write("tracing needs Python 3.11, and %s is %s\\n" % (sys.executable, version))
    sys.exit(3)
sys.path[:] = [folder for folder in sys.path if folder]
from importlib import util
folder = sys.argv.pop(1)
spec = util.spec_from_file_location(
    "bnlint", folder + "/__init__.py", submodule_search_locations=[folder]
)
sys.modules["bnlint"] = util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["bnlint"])
from bnlint.tracer.child.job_server import main
main()
"""
"""Takes this very bnlint, without putting what is installed beside it on the path."""


class ServerProcess:
    """A running server; threads of its own read its pipes, so that neither side waits for the other."""

    def __init__(self, python: str, options: list[str], passed: Collection[str] = ()) -> None:
        """Start it, without waiting until it is ready; raises :class:`UsageError` if that is no program."""
        path = shutil.which(python)
        if path is None:
            raise UsageError(f"there is no Python interpreter `{python}`")
        self._process = _spawned([path, "-c", BOOTSTRAP, PACKAGE, *options], passed)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._buffer = LineBuffer()
        self._printed = bytearray()
        self._threads = [_started(self._read_lines), _started(self._read_output)]
        self._path = path
        self.ready = False
        self.forks = False

    def wait_until_ready(self) -> None:
        """Wait until it takes jobs; raises :class:`UsageError` if it will not.

        ``forks`` then says whether it takes many, each in a fork, or one.
        """
        if not self.ready:
            self.forks = self._greeting()
            self.ready = True

    @property
    def alive(self) -> bool:
        """Whether it can take a job."""
        return self._process.poll() is None

    @property
    def flooded(self) -> bool:
        """Whether it wrote more than one job may; it is not listened to any longer."""
        return self._buffer.flooded

    @property
    def output(self) -> str:
        """The end of what it printed, as far as it did not go to the answer of a job."""
        return bytes(self._printed).decode(errors="replace")

    def send(self, line: bytes) -> None:
        """Send a job, without waiting until it is read."""
        self._buffer = LineBuffer()
        self._threads[2:] = [_started(lambda: self._write(line))]

    def line(self, deadline: float) -> bytes | None:
        """The next line, or ``None`` at the end; raises ``TimeoutError`` at a ``time.monotonic()``."""
        while (left := deadline - time.monotonic()) > 0:
            with suppress(queue.Empty):
                return self._lines.get(timeout=min(left, WAKE_UP))
        raise TimeoutError

    def wait(self, deadline: float) -> None:
        """Wait until it ends by itself, or for a ``time.monotonic()``."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))

    def stop(self) -> int:
        """End it and its process group; returns the exit status, or the negative signal."""
        self._process.terminate()
        self.wait(time.monotonic() + STOP_SECONDS)
        self._process.kill()
        status = self._process.wait()
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        with suppress(OSError):  # what was not read is flushed in vain
            self._pipe(0).close()
        return status

    def _greeting(self) -> bool:
        try:
            line = self.line(time.monotonic() + START_SECONDS)
        except TimeoutError:
            raise UsageError(
                f"`{self._path}` did not import torch within {START_SECONDS:g} s"
            ) from None
        match _parsed(line):
            case {"forks": bool(forks)}:
                return forks
        self.wait(time.monotonic() + STOP_SECONDS)
        explained = self.stop() == UNUSABLE
        *_, last = self.output.strip().splitlines() or ["it is no Python, or it crashed"]
        raise UsageError(last if explained else f"`{self._path}` cannot trace: {last}")

    def _write(self, line: bytes) -> None:
        with suppress(OSError):  # it is over; the readers see that
            self._pipe(0).write(line)
            self._pipe(0).flush()

    def _read_lines(self) -> None:
        with self._pipe(1) as pipe:
            while (chunk := os.read(pipe.fileno(), 1 << 16)) and not self.flooded:
                for line in self._buffer.take(chunk):
                    self._lines.put(line)
        self._lines.put(None)

    def _read_output(self) -> None:
        with self._pipe(2) as pipe:
            while chunk := os.read(pipe.fileno(), 1 << 16):
                self._printed += chunk
                del self._printed[:-OUTPUT_KEPT]

    def _pipe(self, number: int) -> IO[bytes]:
        process = self._process
        pipe = (process.stdin, process.stdout, process.stderr)[number]
        assert pipe is not None
        return pipe


def _parsed(line: bytes | None) -> object:
    try:
        return json.loads(line or b"null")
    except ValueError:
        return None


def _spawned(command: list[str], passed: Collection[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(passed),
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"`{command[0]}` cannot be run: {error.strerror}") from error


def _started(work: Callable[[], None]) -> Thread:
    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread
