"""The limits hold, so that a test that passes under them has shown something."""

import sys
from pathlib import Path

import pytest

from tests.attacks.limited import HEAD, TAIL, lint, run, survives
from tests.pace import is_within

needs_limits = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
pytestmark = needs_limits


def test_an_innocent_script_survives(tmp_path: Path) -> None:
    outcome = lint(tmp_path, {"train.py": HEAD + TAIL})
    survives(outcome)
    assert "BN203" in outcome.rules
    assert outcome.peak > 10 << 20


def test_an_endless_run_is_ended(tmp_path: Path) -> None:
    outcome = run(tmp_path, program=("-c", "while True: pass"), seconds=1)
    assert outcome.status < 0
    assert is_within(outcome.seconds, 3)


def test_a_run_that_only_waits_is_ended(tmp_path: Path) -> None:
    outcome = run(tmp_path, program=("-c", "import time; time.sleep(100)"), wall=1)
    assert outcome.status < 0


def test_memory_is_limited(tmp_path: Path) -> None:
    outcome = run(tmp_path, program=("-c", "x = bytearray(2 << 30)"))
    assert "MemoryError" in outcome.err
