"""The child process behind the commands that trace."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bnlint.cli.options import CheckOptions, ChildOptions
from bnlint.lint.trace_program import Tracer
from bnlint.tracer.child.parent import Child
from bnlint.tracer.child.protocol import Limits


def child_of(options: ChildOptions) -> Child:
    """A child that is started when it is first asked; use it as a context manager."""
    limits = Limits(seconds=options.timeout, memory_mb=options.memory)
    python = options.python or sys.executable
    return Child(python, limits=limits, variables=options.pass_env)


@contextmanager
def tracer(options: CheckOptions) -> Iterator[Tracer]:
    """What traces the models of a rehearsal; torch is imported while the code is read."""
    with child_of(options) as child:
        child.start()
        yield Tracer(child.ask, options.total_timeout)
