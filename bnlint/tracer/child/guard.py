"""Keeps the code of a model from doing harm by accident: a guard, not a sandbox.

It holds for the rest of the process and for what that starts. Python's audit events stop what Python
code does and say so; resource limits, Landlock and a filter of system calls stop compiled
code.
"""

import errno
import functools
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from bnlint.tracer.child import landlock, seccomp
from bnlint.tracer.child.protocol import MOST_REFUSALS, GuardRefusal, Limits
from bnlint.tracer.child.refusals import OF_PROCESSES, words
from bnlint.tracer.record import blame

MEBIBYTE = 1 << 20

UNHEARD = (  # what changes the world without an audit event: module, function, event
    *((module, name, f"bnlint.{name}") for module in ("os", "posix") for name in OF_PROCESSES),
    ("signal", "pidfd_send_signal", "bnlint.pidfd_send_signal"),
    ("_signal", "pidfd_send_signal", "bnlint.pidfd_send_signal"),
    ("time", "clock_settime", "bnlint.clock_settime"),
    ("posix", "mkfifo", "bnlint.mkfifo"),
    ("posix", "mknod", "bnlint.mknod"),
    ("os", "mkfifo", "bnlint.mkfifo"),
    ("os", "mknod", "bnlint.mknod"),
    ("_multiprocessing", "SemLock", "bnlint.semaphore"),
    ("_posixsubprocess", "fork_exec", "bnlint.fork_exec"),
    ("_posixshmem", "shm_open", "bnlint.shm_open"),
    ("torch", "save", "bnlint.save"),
    ("torch.jit", "save", "bnlint.save"),
)


class GuardRefused(PermissionError):
    """The guard did not allow it; the text says what and why."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EACCES, what)

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(slots=True)
class Guard:
    """An engaged guard.

    ``refused`` grows while the code runs, also where the code hides the error. ``lacks`` says which
    protection this platform does not offer.
    """

    refused: list[GuardRefusal] = field(default_factory=list)
    lacks: tuple[str, ...] = ()
    tell: Callable[[GuardRefusal], None] | None = None

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The audit hook; raises :class:`GuardRefused`."""
        phrase = words(event, arguments)
        if phrase is None:
            return
        what = f"{phrase} is refused while a model is traced"
        frame = sys._getframe(1)
        if not blame.importing_package(frame):  # packages try much at import and do without it
            self._remember(GuardRefusal(what, blame.of_frame(frame)))
        raise GuardRefused(what)

    def _remember(self, refusal: GuardRefusal) -> None:
        if refusal in self.refused or len(self.refused) >= MOST_REFUSALS:
            return
        self.refused.append(refusal)
        if self.tell is not None:
            self.tell(refusal)


def engage(limits: Limits, tell: Callable[[GuardRefusal], None] | None = None) -> Guard:
    """Guard this process from here on; there is no way back.

    Reading, ``/dev/null`` and whatever is open already stay usable. ``tell`` hears of each refusal at
    once, for the case that the process does not live to report it.
    """
    tempfile.gettempdir()  # it writes when it is asked for the first time
    sys.dont_write_bytecode = True
    lacks = (*_limit(limits), *landlock.restrict(), *seccomp.restrict())
    for module in ("_multiprocessing", "_posixsubprocess", "_posixshmem"):
        with suppress(ImportError):
            importlib.import_module(module)
    for module, name, event in UNHEARD:
        _announce(module, name, event)
    guard = Guard(lacks=lacks, tell=tell)
    sys.addaudithook(guard.hear)
    return guard


def _announce(module: str, name: str, event: str) -> None:
    """Let a function raise an audit event with its positional and its named arguments."""
    owner = sys.modules.get(module)
    function = getattr(owner, name, None)
    if owner is None or function is None:
        return

    @functools.wraps(function)
    def announced(*arguments: Any, **keywords: Any) -> Any:
        sys.audit(event, arguments, keywords)
        return function(*arguments, **keywords)

    setattr(owner, name, announced)


def _limit(limits: Limits) -> Iterator[str]:
    """Set the limits of the process; yields those that it cannot set."""
    try:
        import resource
    except ImportError:
        yield "processor time, memory and the size of files are not limited on this platform"
        return
    seconds = time.process_time() + limits.seconds
    wanted = {
        "RLIMIT_CPU": ("processor time", max(1, round(seconds))),
        "RLIMIT_FSIZE": ("the size of files", 0),
        "RLIMIT_CORE": ("core dumps", 0),
        "RLIMIT_AS": ("memory", _mapped() + limits.memory_mb * MEBIBYTE),
    }
    for name, (what, amount) in wanted.items():
        void = name == "RLIMIT_AS" and sys.platform == "darwin"  # accepted there, without effect
        if void or not _lowered(resource, getattr(resource, name, None), amount):
            yield f"{what} is not limited on this platform"


def _lowered(resource: ModuleType, which: int | None, amount: int) -> bool:
    """Lower a limit; the hard one is a little higher, so that the signal of the soft one is seen."""
    if which is None:
        return False
    _, hard = resource.getrlimit(which)
    highest = amount + 1 if which == resource.RLIMIT_CPU else amount
    if hard != resource.RLIM_INFINITY:
        highest, amount = min(highest, hard), min(amount, hard)
    try:
        resource.setrlimit(which, (amount, highest))
    except (ValueError, OSError):
        return False
    return True


def _mapped() -> int:
    """Bytes of address space in use: libraries of torch may map gigabytes that hold no data."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[0])
    except OSError:
        return 0
    import resource

    return pages * resource.getpagesize()
