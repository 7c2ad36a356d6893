"""How long bnlint takes, against the parser alone and against the start of Python and click.

    python benchmarks/speed.py FOLDER ... [--rounds N]

Linting and parsing the same files are timed in turns, in this process; processor time of the best round counts, since
other work on the machine only ever adds to it.
"""

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import libcst

from bnlint.lint import engine
from bnlint.lint.files import Patterns, find

LAUNCHER = """
import resource, subprocess, sys
finished = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(finished.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclass(frozen=True)
class Timing:
    """Seconds of the best round, for the files of one folder."""

    name: str
    asked: int
    read: int
    lines: int
    lint: float
    parse: float

    @property
    def row(self) -> str:
        """One line of the table."""
        each = 1e3 / max(1, self.read)
        return (
            f"{self.name[:40]:40} {self.asked:6} {self.read:6} {self.lines:8} "
            f"{self.lint * each:9.1f} {self.parse * each:9.1f} {self.lint / self.parse:7.2f}"
        )


def timing_of(folder: Path, rounds: int) -> Timing | None:
    """Lint a folder and parse the files that this read, in turns; ``None`` if it reads none."""
    targets = find([str(folder)], Patterns.of(folder, ())).targets
    plan = engine.default_plan()
    sources = engine.lint(targets, plan).sources.values()
    texts = [
        source.content
        for source in sources
        if source.file.suffix == ".py" and is_read(source.content)
    ]
    if not texts:
        return None
    lint, parse = best_of(
        rounds,
        lambda: engine.lint(targets, plan),
        lambda: [libcst.parse_module(text) for text in texts],
    )
    lines = sum(text.count("\n") for text in texts)
    return Timing(folder.name, len(targets), len(texts), lines, lint, parse)


def is_read(text: str) -> bool:
    """Whether LibCST takes a text as it is."""
    try:
        libcst.parse_module(text)
    except libcst.ParserSyntaxError:
        return False
    return True


def best_of(
    rounds: int, *works: Callable[[], object], clock: Callable[[], float] = time.process_time
) -> list[float]:
    """Seconds of the best round of each piece of work; every round runs all of them."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for index, work in enumerate(works):
            gc.collect()
            gc.disable()  # as the command does
            start = clock()
            work()
            best[index] = min(best[index], clock() - start)
            gc.enable()
    return best


def total(timings: Sequence[Timing]) -> Timing:
    """The sum of all folders."""
    return Timing(
        "all",
        sum(timing.asked for timing in timings),
        sum(timing.read for timing in timings),
        sum(timing.lines for timing in timings),
        sum(timing.lint for timing in timings),
        sum(timing.parse for timing in timings),
    )


def start_up(rounds: int) -> Iterable[str]:
    """Milliseconds from nothing to the end of processes that do very little."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.touch()
        commands = {
            'python -c "pass"': ["-c", "pass"],
            'python -c "import click"': ["-c", "import click"],
            "bnlint --version": ["-m", "bnlint", "--version"],
            "bnlint empty.py": ["-m", "bnlint", str(empty)],
        }
        works = [lambda arguments=arguments: run(arguments) for arguments in commands.values()]
        seconds = best_of(rounds, *works, clock=time.perf_counter)
        click = seconds[1]
        for name, taken in zip(commands, seconds, strict=True):
            yield f"{name:28} {taken * 1e3:7.0f} ms  {taken / click:5.2f} x click"


def run(arguments: Sequence[str]) -> None:
    """Run Python with some arguments; raises RuntimeError if it fails or finds something."""
    finished = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    if finished.returncode != 0:
        raise RuntimeError(f"{arguments} failed: {finished.stderr[-300:]}")


def peak_memory(folders: Sequence[Path]) -> float:
    """Megabytes of the largest process of a lint.

    A process starts with the peak of the one that it was forked from, so a small one stands between.
    Raises RuntimeError if the lint fails.
    """
    command = [sys.executable, "-m", "bnlint", *map(str, folders)]
    finished = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command], capture_output=True, text=True, check=True
    )
    status, peak = map(int, finished.stdout.split())
    if status not in (0, 1) or "Traceback" in finished.stderr or "No module" in finished.stderr:
        raise RuntimeError(f"bnlint failed: {finished.stderr[-300:]}")
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for folder in options.folders:
        if not folder.is_dir():
            parser.error(f"no such folder: {folder}")
    folders = [folder.resolve() for folder in options.folders]

    print(
        f"{'folder':40} {'asked':>6} {'read':>6} {'lines':>8} {'lint ms':>9} {'parse ms':>9}   ratio"
    )
    timings = []
    for folder in folders:
        timing = timing_of(folder, options.rounds)
        if timing is not None:
            timings.append(timing)
            print(timing.row, flush=True)
    if timings:
        print(total(timings).row)
    print("\nms are per file that was read; the promise is a ratio of at most 2\n")
    print(*start_up(options.rounds), sep="\n")
    print(f"\npeak memory of bnlint over these folders: {peak_memory(folders):.0f} MB")


if __name__ == "__main__":
    main()
