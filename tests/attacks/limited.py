"""The linter in a child of its own, with limits, for input that is meant to hurt it.

A run that reaches a limit has lost: the tests ask for less than a run may use.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.pace import is_within

PROCESSOR_SECONDS = 60
WALL_SECONDS = 240
"""Against waiting for something that never comes; the machine may be busy with other tests."""
MEMORY = 1 << 30
"""Bytes of address space."""
HEAD = "import torch\nfrom torch import nn\n"
TAIL = "nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(9))(torch.rand(2, 3, 8, 8))\n"
"""A problem (BN203), found only by who reads the script to its end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left. ``seconds`` are processor time, ``peak`` bytes of resident memory.

    ``status`` is negative where a signal ended it: a limit was reached.
    """

    status: int
    out: str
    err: str
    seconds: float
    peak: int

    @property
    def rules(self) -> list[str]:
        """The rules of its findings, from JSON output."""
        return [finding["rule"] for finding in json.loads(self.out)]

    @property
    def messages(self) -> list[str]:
        """The messages of its findings, from JSON output."""
        return [finding["message"] for finding in json.loads(self.out)]


def run(
    folder: Path,
    *arguments: str,
    seconds: int = PROCESSOR_SECONDS,
    wall: float = WALL_SECONDS,
    memory: int = MEMORY,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-P", "-m", "bnlint"),
) -> Outcome:
    """Run ``python -P -m bnlint arguments`` in a folder.

    ``environment`` is added to this process's own.
    """

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=os.environ | dict(environment or {}),
            preexec_fn=limit,
        )
        used, peak = _watch(process, time.monotonic() + wall)
        return Outcome(process.returncode, _text_of(out), _text_of(err), used, peak)


def _watch(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[float, int]:
    """Wait for the end; the seconds of processor time and bytes of memory that were used.

    The kernel's own account of a child's memory begins with that of its parent.
    """
    peak = 0
    while True:
        peak = max(peak, _resident(process.pid))
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime, peak
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.01)


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    lines = status.read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def _text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def lint(folder: Path, files: Mapping[str, str], *arguments: str, **limits: int) -> Outcome:
    """Write files and lint the first, or what ``arguments`` say, with JSON as output."""
    (folder / "pyproject.toml").touch()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    wanted = arguments or (next(iter(files)),)
    return run(folder, "--format", "json", *wanted, **limits)


def survives(outcome: Outcome, *, seconds: float = 10, peak: int = 500 << 20) -> None:
    """Assert that a run ended by itself, soon, small, and without giving anything up."""
    assert outcome.status in (0, 1), (outcome.status, outcome.err[-500:])
    assert "Traceback" not in outcome.err
    assert not {"BN001", "BN003"} & set(outcome.rules), outcome.messages
    assert is_within(outcome.seconds, seconds)
    assert outcome.peak < peak
