"""Which tests are slow: ``pytest -m "not slow"`` leaves them out (4,200 of 10,500, and two folders).

They were chosen by the processor time that they take. What is sampled are tests with many blocks or
programs of one kind: of those of each rule and section the first one is quick, unless it is what
a fix makes of another.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

SLOW = frozenset(Path(__file__).with_name("slow_tests.txt").read_text(encoding="utf-8").split())
"""Beginnings of the ids of slow tests."""

SAMPLED = frozenset(
    """
    tests/test_pages.py::test_a_block_reports_exactly_its_marks
    """.split()
)
"""Beginnings of the ids of tests of which the first of each kind is quick."""


def is_whole(path: str) -> bool:
    """Whether all tests of a file or folder, given from the project's root, are slow."""
    return f"{path}::" in SLOW or f"{path}/" in SLOW


def mark(items: Iterable[pytest.Item]) -> None:
    """Mark the slow tests."""
    begun: set[str] = set()
    beginnings = tuple(SLOW)
    for item in items:
        kind = _kind(item.nodeid)
        if kind in begun or item.nodeid.startswith(beginnings) or _is_fixed(item.nodeid):
            item.add_marker(pytest.mark.slow)
        elif item.nodeid.startswith(tuple(SAMPLED)):
            begun.add(kind)


def _kind(test: str) -> str:
    """The test, the rule and the section: ``...[BN301-Bad``, be it on its page or among its cases."""
    function, bracket, parameters = test.partition("[")
    parameters = parameters.removeprefix("cases/")
    return (
        "-".join([function + bracket, *parameters.split("-")[:2]])
        if "BN" in parameters
        else function
    )


def _is_fixed(test: str) -> bool:
    """Whether it looks at what a fix makes of another block."""
    return test.startswith(tuple(SAMPLED)) and "-Fixed-" in test
