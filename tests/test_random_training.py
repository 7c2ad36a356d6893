"""Random training scripts, linted, fixed and really run; `benchmarks/random_training.py` runs more."""

from pathlib import Path

import pytest

from tests import random_training

pytest.importorskip("torch")

from tests.judging import judge

SEEDS = range(16)


@pytest.mark.parametrize("seed", SEEDS)
def test_findings_are_true_and_fixes_heal(seed: int, tmp_path: Path) -> None:
    verdict = judge(random_training.program(seed), tmp_path)
    assert not verdict.harmful
    assert not verdict.false_alarms


def test_the_scripts_have_what_is_looked_for(tmp_path: Path) -> None:
    verdicts = [judge(random_training.program(seed), tmp_path) for seed in range(8)]
    assert sum(verdict.fixes for verdict in verdicts) >= 4
    assert sum(verdict.findings for verdict in verdicts) >= 8
