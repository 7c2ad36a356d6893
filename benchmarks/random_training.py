"""Random training scripts, linted, fixed and really run: harmful fixes, false alarms, misses.

python benchmarks/random_training.py FIRST LAST     seeds of the scripts, the last not included
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests import fixing, judging, random_training  # noqa: E402


def main(first: int, last: int) -> None:
    """Judge the scripts, print what is wrong with each, and the sums."""
    counts: Counter[str] = Counter()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, last):
            verdict = judging.judge(random_training.program(seed), Path(folder))
            fixing.fix.cache_clear()
            fixing.lint.cache_clear()
            counts.update(scripts=1, findings=verdict.findings, fixes=verdict.fixes)
            counts.update(harmful=bool(verdict.harmful), false_alarms=len(verdict.false_alarms))
            counts.update(unreported=len(verdict.unreported))
            for kind in ("harmful", "false_alarms", "unreported"):
                for what in getattr(verdict, kind):
                    print(f"{seed}: {kind}: {what}", flush=True)
    print(*(f"{name} {count}" for name, count in counts.items()), sep=", ", end="; ")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
