"""What the guarded child process costs, against the import of torch alone.

    python benchmarks/child.py [--rounds N]

Times are those of the clock, of the best round; whatever is compared runs in turns. Jobs that do nothing
show the price of a fork and of the guard, with parts of the guard left out; then a small ResNet is
traced in the child and in this process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bnlint.tracer.child.parent import Child

RUNNER = """
import sys
from bnlint.tracer import guard, landlock

def nothing(job):
    return {{}}

def opening(job):
    for _ in range(10_000):
        open("/dev/null").close()
    return {{}}

{left_out}
"""
LEFT_OUT = {
    "whole guard": "",
    "without Landlock": "landlock.restrict = lambda: ()",
    "without audit hook": "sys.addaudithook = lambda hook: None",
    "limits only": "landlock.restrict = lambda: ()\nsys.addaudithook = lambda hook: None",
    "fork only": "guard.engage = lambda limits, tell: guard.Guard()",
}
MODEL = """
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.skip = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + self.skip(x))


class Net(nn.Sequential):
    def __init__(self):
        widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
        pairs = zip(widths, widths[1:])
        blocks = [Block(a, b, 1 if a == b else 2) for a, b in pairs]
        stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        super().__init__(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
"""
Job = Mapping[str, object]


def best_of(rounds: int, works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of the best round of each piece of work; every round runs all of them."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def started(job: Job, **options: Any) -> None:
    """Start a child, let it do one job, end it; raises RuntimeError if the job fails."""
    with Child(**options) as child:
        done(child, job)


def done(child: Child, job: Job) -> None:
    """Let a child do a job; raises RuntimeError if that fails."""
    answer = child.ask(job)
    if answer.failure is not None:
        raise RuntimeError(answer.failure.reason)


@contextmanager
def runners(folder: Path, names: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Modules with jobs, one for each guard, that a child finds; yields their names."""
    modules = {}
    for number, (name, left_out) in enumerate(names.items()):
        modules[name] = f"bnlint_runner_{number}"
        text = RUNNER.format(left_out=left_out)
        (folder / f"{modules[name]}.py").write_text(text, encoding="utf-8")
    with patched_path(folder):
        yield modules


@contextmanager
def patched_path(folder: Path) -> Iterator[None]:
    """Let child processes import from a folder."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), before]))
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def starts(modules: Mapping[str, str], model: Job) -> dict[str, Callable[[], object]]:
    """From nothing to the end of a process."""
    torch = [sys.executable, "-c", "import torch"]
    whole = f"{modules['whole guard']}:nothing"
    return {
        'python -c "import torch"': lambda: subprocess.run(torch, check=True),
        "start, one empty job, end": lambda: started({}, runner=whole),
        "start, trace a small ResNet, end": lambda: started(model),
    }


def jobs(stack: ExitStack, modules: Mapping[str, str]) -> dict[str, Callable[[], object]]:
    """Jobs of children that have had one already."""
    works: dict[str, Callable[[], object]] = {}
    for name, module in modules.items():
        for job, what in (("nothing", "empty job"), ("opening", "opening 10,000 files")):
            child = stack.enter_context(Child(runner=f"{module}:{job}"))
            done(child, {})
            works[f"{what}, {name}"] = partial(done, child, {})
    return works


def traces(stack: ExitStack, model: Job) -> dict[str, Callable[[], object]]:
    """Tracing a model in a child and in this process, both of which have done so before."""
    from bnlint.tracer.child.jobs import run_job

    child = stack.enter_context(Child())
    done(child, model)
    run_job(model)
    return {
        "trace a small ResNet again, in the child": lambda: done(child, model),
        "trace a small ResNet again, in this process": lambda: run_job(model),
    }


def measure(folder: Path, modules: Mapping[str, str], rounds: int) -> None:
    """Measure everything and print it; the import of torch is what the rest is divided by."""
    file = folder / "net.py"
    file.write_text(MODEL, encoding="utf-8")
    target: dict[str, object] = {"file": str(file), "module": None, "name": "Net", "arguments": {}}
    model: Job = {"home": str(folder), "build": {"target": target}}
    seconds = best_of(rounds, starts(modules, model))
    with ExitStack() as stack:
        seconds |= best_of(10 * rounds, jobs(stack, modules))
    with ExitStack() as stack:
        seconds |= best_of(2 * rounds, traces(stack, model))
    base = next(iter(seconds.values()))
    for name, taken in seconds.items():
        print(f"{name:52} {taken * 1e3:9.1f} ms {taken / base:8.3f}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, runners(Path(name), LEFT_OUT) as modules:
        measure(Path(name), modules, rounds)


if __name__ == "__main__":
    main()
