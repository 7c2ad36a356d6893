"""How slow this machine is at the moment, so that a limit on time is one of proportion.

Processor time is not the same everywhere: shared cores, throttled ones and instrumented runs take a
multiple of it. A limit is therefore in seconds of a machine that is idle, and stretched by what a
known piece of work takes here and now.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import libcst

USUAL = 0.5
"""Seconds of processor time that the work takes on an idle machine."""
_TEXT = "class A:\n    def f(self, x, *, y=[1, 2]):\n        return self.g(x)[y] + {x: y}\n" * 60


def slowness() -> float:
    """How many times as long as usual this machine takes, 1 at the least."""
    started = time.process_time()
    for _ in range(4):
        tree = libcst.parse_module(_TEXT)
        pending: list[libcst.CSTNode] = [tree]
        while pending:
            pending += pending.pop().children
    return max(1.0, (time.process_time() - started) / USUAL)


def is_within(spent: float, seconds: float) -> bool:
    """Whether processor time is under a limit, which is stretched only where it was passed."""
    return spent < seconds or spent < seconds * slowness()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Assert that what stands under this takes less processor time than a limit."""
    started = time.process_time()
    yield
    spent = time.process_time() - started
    assert is_within(spent, seconds), spent
