"""Where the time of a run goes, by name, for who asks; nothing is measured otherwise."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

_Names = defaultdict[str, float]
_running: ContextVar[tuple[_Names, list[float]] | None] = ContextVar("stopwatch", default=None)


@contextmanager
def stopwatch() -> Iterator[dict[str, float]]:
    """Measure: what is given fills with the seconds of each name that is :func:`timed`."""
    seconds: _Names = defaultdict(float)
    token = _running.set((seconds, []))
    try:
        yield seconds
    finally:
        _running.reset(token)


def measured() -> dict[str, float]:
    """The seconds of each name so far; nothing where nothing is measured."""
    watch = _running.get()
    return dict(watch[0]) if watch is not None else {}


def is_running() -> bool:
    """Whether anything is measured."""
    return _running.get() is not None


def add_seconds(more: Mapping[str, float]) -> None:
    """Add what was measured elsewhere, in another process."""
    watch = _running.get()
    if watch is not None:
        for name, spent in more.items():
            watch[0][name] += spent


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Count the seconds of a block for a name, less those of what is timed within it."""
    watch = _running.get()
    if watch is None:
        yield
        return
    seconds, within = watch
    within.append(0.0)
    started = perf_counter()
    try:
        yield
    finally:
        elapsed = perf_counter() - started
        seconds[name] += elapsed - within.pop()
        if within:
            within[-1] += elapsed
