"""Which files are one program, and that the others have no say in it."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.errors import UsageError
from bnlint.finding import Applicability
from bnlint.lint import engine, files, workers
from bnlint.lint.engine import Result
from bnlint.lint.files import LintTarget, Patterns
from bnlint.lint.job import Job
from bnlint.lint.partition import programs
from bnlint.lint.program import lint_program
from bnlint.source import parse_text
from tests.conftest import Run

Write = Callable[..., Path]
NET = "import torch\nfrom torch import nn\nnet = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))\n"


def targets(root: Path) -> list[LintTarget]:
    return files.find([str(root)], Patterns.of(root, ())).targets


def parts(root: Path) -> list[set[str]]:
    """The names of the files of each program."""
    found = programs(targets(root), {})
    return [{str(t.path.relative_to(root)) for t in program.targets} for program in found]


def test_files_that_import_nothing_of_each_other_are_programs(project: Write) -> None:
    assert parts(project({"a.py": NET, "b.py": NET})) == [{"a.py"}, {"b.py"}]


@pytest.mark.parametrize(
    "line",
    [
        "import nets",
        "import os, nets as n",
        "from nets import net",
        "from nets import (\n    net,\n)",
        "if True: import nets",
        "x = 1; import nets",
        "try:\n    from nets import *\nexcept ImportError:\n    pass",
        "def main():\n    from nets import net",
        "import importlib\nimportlib.import_module('ne' + 'ts')",
        "__import__('nets')",
        "exec(text)",
    ],
)
def test_what_may_import_another_file_is_with_it(project: Write, line: str) -> None:
    root = project({"nets.py": NET, "other.py": NET, "train.py": f"import torch\n{line}\n"})
    assert {"nets.py", "train.py"} <= next(part for part in parts(root) if "train.py" in part)


@pytest.mark.parametrize("line", ["# nets", "nets = 3", "x = 'import nets'", "from nets2 import x"])
def test_what_only_says_its_name_is_not(project: Write, line: str) -> None:
    root = project({"nets.py": NET, "train.py": f"import torch\n{line}\n"})
    assert parts(root) == [{"nets.py"}, {"train.py"}]


def test_two_importers_of_a_third_are_together_also_where_it_was_not_named(project: Write) -> None:
    root = project({"a.py": "import torch\nimport c\n", "b.py": "import c, torch\n", "c.py": NET})
    named = [t for t in targets(root) if t.path.name != "c.py"]
    (program,) = programs(named, {})
    assert {file.name for file in program.files} == {"a.py", "b.py", "c.py"}


def test_packages_around_a_module_and_folders_on_the_path_are_followed(project: Write) -> None:
    root = project(
        {
            "pyproject.toml": "",
            "pkg/__init__.py": "from pkg.base import net\n",
            "pkg/base.py": NET,
            "pkg/heads.py": NET,
            "lib/extra.py": NET,
            "tools/train.py": "import sys, torch\nsys.path.append('lib')\nimport pkg.heads\nimport extra\n",
        }
    )
    (part,) = parts(root)
    assert len(part) == 5


def test_texts_that_replace_those_on_disk_decide(project: Write) -> None:
    root = project({"a.py": NET, "b.py": NET})
    changed = parse_text(f"{NET}import b\n", "a.py", root / "a.py")
    assert len(programs(targets(root), {root / "a.py": changed})) == 1


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
@settings(max_examples=30, deadline=None)
def test_no_program_reads_a_file_of_another(edges: list[tuple[int, int]]) -> None:
    texts = {
        f"m{one}.py": NET + "".join(f"import m{other}\n" for start, other in edges if start == one)
        for one in range(8)
    }
    every = [engine.example(text, name) for name, text in texts.items()]
    found = programs(every, {})
    assert sorted(t.path.name for program in found for t in program.targets) == sorted(texts)
    for program in found:
        others = {t.path for t in every} - {t.path for t in program.targets}
        assert program.files.isdisjoint(others)


def test_what_was_read_is_of_the_program(project: Write) -> None:
    root = project({"a.py": f"{NET}import c\n", "b.py": NET, "c.py": NET})
    for program in programs(targets(root), {}):
        outcome = lint_program(Job(program.targets, engine.default_plan().rules))
        assert {file.file for file in outcome.files} <= program.files


# -- workers --------------------------------------------------------------------------------


TRAIN = """
from torch.utils.data import DataLoader
loader = DataLoader(data, batch_size=4, shuffle=True)
for x in loader:
    net(x).sum().backward()
"""


def many(project: Write, number: int = 6) -> Path:
    padding = "# padding\n" * 2_000
    broken = {"broken.py": "import torch\ndef f(:\n", "uses.py": "import torch\nimport gone.x\n"}
    scripts = {f"t{index}.py": NET + TRAIN * (index % 3) + padding for index in range(number)}
    return project(broken | scripts)


def plain(result: Result) -> tuple[object, ...]:
    return result.findings, sorted(result.sources), result.texts, result.account, result.notes


@pytest.mark.parametrize("number", [2, 3])
def test_processes_find_the_same(project: Write, number: int) -> None:
    every, plan = targets(many(project)), engine.default_plan()
    alone = engine.lint(every, plan)
    assert alone.findings
    assert plain(engine.lint(every, plan, workers=workers.over_processes(number))) == plain(alone)


def test_other_executors_find_the_same_in_any_order(project: Write) -> None:
    every, plan = targets(many(project)), engine.default_plan()
    alone = plain(engine.lint(every, plan))
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(2) as processes:
        for executor in (threads, processes):
            assert plain(engine.lint(every[::-1], plan, workers=workers.over(executor))) == alone


def test_fixes_lint_again_only_what_they_change(project: Write) -> None:
    plan, safe = engine.default_plan(), [Applicability.SAFE]
    every = targets(project({"a.py": NET.replace("(8)", "(8, momentum=0.99)"), "b.py": NET}))
    rounds: list[list[str]] = []

    def counted(jobs: Iterable[Job], *others: object) -> Iterable[object]:
        rounds.append([target.path.name for job in jobs for target in job.targets])
        return workers.in_this_process([*jobs])

    settled = engine.fix(every, plan, safe, workers=counted)  # type: ignore[arg-type]
    assert rounds == [["a.py", "b.py"], ["a.py"]]
    assert [change.before.path for change in settled.changes] == ["a.py"]


class Killed(ThreadPoolExecutor):
    def submit(self, *_: object, **__: object) -> object:  # type: ignore[override]
        from concurrent.futures import BrokenExecutor, Future

        future: Future[object] = Future()
        future.set_exception(BrokenExecutor())
        return future


def test_a_process_that_is_killed_is_one_clear_line(project: Write) -> None:
    with pytest.raises(UsageError, match="--jobs 1"):
        engine.lint(targets(many(project)), engine.default_plan(), workers=workers.over(Killed()))


def test_the_option(project: Write, run: Run) -> None:
    many(project)
    outputs = {run(".", "--format", "json", "--jobs", str(number)).out for number in (1, 2)}
    (output,) = outputs
    assert json.loads(output)
    assert run(".", "--jobs", "0").status == 2
