"""The child process behind the commands that trace."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bnlint.cli_options import ChildOptions
from bnlint.tracer.answer import Limits
from bnlint.tracer.process import Child
from bnlint.tracing import Tracer


def child_of(options: ChildOptions) -> Child:
    """A child that is started when it is first asked; use it as a context manager."""
    limits = Limits(seconds=options.timeout, memory_mb=options.memory)
    return Child(options.python or sys.executable, limits=limits)


@contextmanager
def tracer(options: ChildOptions) -> Iterator[Tracer]:
    """What traces the models of a rehearsal; torch is imported while the code is read."""
    with child_of(options) as child:
        child.start()
        yield Tracer(child.ask)
