"""Why a job has no result, in words for the user."""

import signal

from bnlint.tracer.child.guard import GuardRefused
from bnlint.tracer.child.line_buffer import MOST_BYTES, MOST_LINES
from bnlint.tracer.child.protocol import Failure, Limits
from bnlint.tracer.record import blame

LONGEST = 400
PIPE_CLOSED = 74
NOT_RUN = 71
FLOODED = f"wrote more than {MOST_BYTES >> 20} MB or {MOST_LINES} lines into the pipe that carries the answer"
DENIED = ("Permission denied", "File too large")
HINT = " (nothing may be written while a model is traced)"
OUT_OF_MEMORY = ("can't allocate memory", "Cannot allocate memory", "bad_alloc")


def of_error(error: BaseException, limits: Limits) -> Failure:
    """What an error that the user's code raised means."""
    return Failure(_of_error(error, limits), blame.of_error(error))


def missing_package(error: BaseException) -> str | None:
    """The top-level package that was not found, if that is the error."""
    found = isinstance(error, ModuleNotFoundError) and error.name
    return found.partition(".")[0] if found else None


TOOK_MORE = "took more than"
"""How the reasons begin that are about time."""


def of_end(status: int, limits: Limits, seconds: float, output: str) -> str:
    """Why a process ended without an answer.

    ``status`` is its exit status, or the negative number of the signal that ended it; ``seconds`` is
    the processor time that it used, and ``output`` what it wrote.
    """
    if status == PIPE_CLOSED:
        return "closed the pipe that carries the answer"
    if status == NOT_RUN:
        *_, last = output.strip().splitlines() or [""]
        return f"broke what guards and runs it: {' '.join(last.split())[:LONGEST]}"
    if status >= 0:
        return f"ended the process with os._exit({status})"
    if any(sign in output for sign in OUT_OF_MEMORY):
        return _memory(limits)
    name = _signal_name(-status)
    if name == "SIGXCPU" or (name in {"SIGALRM", "SIGKILL"} and seconds >= limits.seconds):
        return f"{TOOK_MORE} {limits.seconds:g} s of processor time"
    if name == "SIGALRM":
        return overtime(limits)
    if name == "SIGKILL":
        return "was killed (signal 9); the memory of the machine may have run out"
    return f"crashed with signal {-status} ({name})"


def overtime(limits: Limits) -> str:
    """What to say of a job that waits or sleeps."""
    return f"{TOOK_MORE} {limits.wall:g} s by the clock"


def _of_error(error: BaseException, limits: Limits) -> str:
    text = _text(error)
    match error:
        case GuardRefused():
            return text
        case SystemExit():
            return f"ended the process with sys.exit({'' if error.code is None else text})"
        case MemoryError():
            return _memory(limits)
        case SyntaxError(msg=str(said)):
            return f"{type(error).__name__}: {said}"
        case RecursionError():
            return f"recursed too deeply: {text}"
        case ModuleNotFoundError(name=str(name)):
            return f"needs `{name}`, which is not installed"
    if any(sign in text for sign in OUT_OF_MEMORY):
        return _memory(limits)
    name = type(error).__name__
    hint = HINT if any(sign in text for sign in DENIED) else ""
    return f"{name}: {text}{hint}" if text else name


def _text(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())[:LONGEST]
    except Exception:
        return ""


def _memory(limits: Limits) -> str:
    return f"used more than {limits.memory_mb} MB of memory"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
