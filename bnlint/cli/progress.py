"""On the terminal: a progress bar for rehearsals that take longer than a second, a sign of waiting."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
"""Seconds before it is shown."""


class Bar:
    """Call it with the numbers of files done and of all files; shows nothing off a terminal."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._silent = not sys.stderr.isatty()
        self._shown: tuple[Progress, TaskID] | None = None

    def __enter__(self) -> "Bar":
        return self

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` files have been rehearsed."""
        if self._silent:
            return
        now = time.monotonic()
        self._start = now if self._start is None else self._start
        if now - self._start < PATIENCE:
            return
        progress, task = self._shown = self._shown or _open()
        progress.update(task, completed=done, total=total)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown is not None:
            self._shown[0].stop()


def _open() -> "tuple[Progress, TaskID]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("Rehearsing"), BarColumn(), MofNCompleteColumn(), TextColumn("files"))
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.start()
    return progress, progress.add_task("", total=None)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show that something goes on, on a terminal, until it has ended."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ..."):
        yield
