"""How the time of a lint grows with the size of a program: near 2 for twice as much is linear.

    python benchmarks/growth.py [--rounds N]

Programs of n, 2n and 4n training loops, files and nested calls are linted in turns; processor time of the best
round counts, without that of an empty program.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from speed import best_of

from bnlint.lint import engine
from bnlint.lint.files import LintTarget

MODEL = """
import torch
from torch import nn
from torch.utils.data import DataLoader

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        return self.fc(self.bn(self.conv(x)).relu().mean((2, 3)))
"""
SETUP = """
model = Net()
loader = DataLoader(dataset, batch_size=64, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
"""
LOOP = """
for epoch in range(epochs):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        if torch.isnan(loss):
            continue
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            print((model(x).argmax(1) == y).sum())
"""


def loops(count: int) -> list[str]:
    """One script with many training loops, whose forwards and switches are its events."""
    return [MODEL + SETUP + LOOP * count]


def files(count: int) -> list[str]:
    """Many scripts with one training loop each."""
    return [MODEL + SETUP + LOOP] * count


def depth(count: int) -> list[str]:
    """Functions each of which calls the next under a condition that is not known."""
    calls = [
        f"def step{i}(x):\n    if flag:\n        x = x + 1\n    return step{i + 1}(x)\n"
        for i in range(count)
    ]
    return [
        MODEL + SETUP + "".join(calls) + f"def step{count}(x):\n    return model(x)\nstep0(x)\n"
    ]


PROGRAMS: Mapping[str, tuple[Callable[[int], list[str]], int]] = {
    "training loops": (loops, 32),
    "files": (files, 16),
    "depth of calls": (depth, 12),
}


def targets_of(texts: Sequence[str]) -> list[LintTarget]:
    """Texts as the files of a folder that need not exist."""
    folder = Path("/bnlint-example")
    return [
        LintTarget(
            folder / f"script{i}.py", named=True, content=text.encode(), display=f"script{i}.py"
        )
        for i, text in enumerate(texts)
    ]


def seconds_of(make: Callable[[int], list[str]], sizes: Sequence[int], rounds: int) -> list[float]:
    """Seconds for a program of each size."""
    plan = engine.default_plan()
    programs = [targets_of([""]), *(targets_of(make(size)) for size in sizes)]
    works = [lambda program=program: engine.lint(program, plan) for program in programs]
    empty, *seconds = best_of(rounds, *works)
    return [taken - empty for taken in seconds]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{'what grows':16} {'n':>4} {'n':>8} {'2n':>8} {'4n':>8}   ratios")
    for name, (make, first) in PROGRAMS.items():
        one, two, four = seconds_of(make, [first, 2 * first, 4 * first], options.rounds)
        print(
            f"{name:16} {first:4} {one:7.2f}s {two:7.2f}s {four:7.2f}s"
            f"   {two / one:.2f} {four / two:.2f}"
        )


if __name__ == "__main__":
    main()
