"""What is kept of a lint holds exactly as long as what it depends on."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.lint import engine, files, workers
from bnlint.lint.cache import MOST_DAYS, Cache, cached
from bnlint.lint.engine import Result
from bnlint.lint.files import Patterns
from bnlint.lint.job import Job, Outcome, Progress, Trace
from bnlint.lint.selection import LintOptions
from bnlint.source import SourceFile, parse_text
from tests.conftest import Run

Write = Callable[..., Path]
TRAIN = """import torch, yaml
from pathlib import Path
from torch import nn
from nets import Net
with open("c.yaml") as f:
    cfg = yaml.safe_load(f)
net = Net(cfg["momentum"])
net(torch.randn(8, 3))
"""
NETS = """from torch import nn
class Net(nn.Sequential):
    def __init__(self, momentum):
        super().__init__(nn.BatchNorm1d(3, momentum=momentum))
"""
OTHER = "from torch import nn\nnet = nn.BatchNorm2d(3, momentum=0.99)\n"
FILES = {
    "pyproject.toml": "[tool.bnlint]\n",
    "train.py": TRAIN,
    "nets.py": NETS,
    "other.py": OTHER,
    "c.yaml": "momentum: 0.99\n",
}


class Counting:
    """Workers that remember what they were asked for."""

    def __init__(self) -> None:
        self.linted: list[str] = []

    def __call__(
        self, jobs: Sequence[Job], progress: Progress | None, trace: Trace | None
    ) -> Iterator[Outcome]:
        self.linted += [target.path.name for job in jobs for target in job.targets]
        return workers.in_this_process(jobs)


def lint(
    root: Path, plan: LintOptions | None = None, unsaved: Sequence[SourceFile] = ()
) -> tuple[Result, list[str]]:
    """What is found, and the files that were linted for it."""
    every = files.find([str(root)], Patterns.of(root, ())).targets
    own, store = Counting(), Cache(root / ".bnlint_cache")
    overrides = {file.file: file for file in unsaved}
    result = engine.lint(
        every, plan or engine.default_plan(), overrides=overrides, workers=cached(own, store)
    )
    return result, own.linted


def told(result: Result) -> tuple[object, ...]:
    return result.findings, result.texts, result.account, result.notes, sorted(result.sources)


def test_what_does_not_change_is_not_linted_again(project: Write) -> None:
    root = project(FILES)
    first, linted = lint(root)
    assert sorted(linted) == ["nets.py", "other.py", "train.py"]
    assert [f.rule for f in first.findings] == ["BN102", "BN102"]
    again, linted = lint(root)
    assert linted == []
    assert told(again) == told(first)


FOUND_BY_PATH = {
    "pyproject.toml": "[tool.bnlint]\n",
    "tools/train.py": "import torch, _paths\nfrom core.nets import net\nnet(0.99)\n",
    "tools/_paths.py": (
        "import sys, os.path as osp\n"
        "sys.path.insert(0, osp.join(osp.dirname(__file__), '..', 'lib'))\n"
    ),
    "lib/core/__init__.py": "",
    "lib/core/nets.py": (
        "import torch\ndef net(m):\n    return torch.nn.BatchNorm1d(3, momentum=m)\n"
    ),
    "other.py": OTHER,
}


def test_what_is_not_saved_counts_wherever_it_is_read(project: Write) -> None:
    root = project(FOUND_BY_PATH)
    saved, _ = lint(root)
    assert [f.span.path for f in saved.findings] == ["lib/core/nets.py", "other.py"]
    file = root / "lib/core/nets.py"
    text = FOUND_BY_PATH["lib/core/nets.py"].replace("=m", "=1 - m")
    unsaved = parse_text(text, "lib/core/nets.py", file)
    changed, linted = lint(root, unsaved=[unsaved])
    assert [f.span.path for f in changed.findings] == ["other.py"]
    assert "other.py" not in linted  # it reads nothing of that
    assert told(lint(root)[0]) == told(saved)


@pytest.mark.parametrize(
    ("name", "content", "linted"),
    [
        ("train.py", TRAIN + "\n", ["nets.py", "train.py"]),
        ("nets.py", NETS.replace("1d", "2d"), ["nets.py", "train.py"]),
        ("c.yaml", "momentum: 0.1\n", ["nets.py", "train.py"]),
        ("other.py", OTHER + "\n", ["other.py"]),
        ("yaml.py", "def safe_load(f): return {'momentum': 0.1}\n", ["nets.py", "train.py"]),
        ("new.py", OTHER, ["new.py"]),
        ("notes.txt", "nothing to do with it\n", []),
        ("runs/last.pth", "what a training leaves\n", []),
    ],
)
def test_what_depends_on_a_change_is_linted_again(
    project: Write, name: str, content: str, linted: list[str]
) -> None:
    root = project(FILES)
    lint(root)
    project({name: content})
    kept, again = lint(root)
    assert sorted(again) == linted
    fresh = engine.lint(
        files.find([str(root)], Patterns.of(root, ())).targets, engine.default_plan()
    )
    assert told(kept) == told(fresh)


def test_a_configuration_that_goes_away_counts_too(project: Write) -> None:
    root = project(FILES)
    lint(root)
    (root / "c.yaml").unlink()
    result, linted = lint(root)
    assert sorted(linted) == ["nets.py", "train.py"]
    assert [f.rule for f in result.findings] == ["BN102"]


def test_other_rules_and_settings_have_entries_of_their_own(project: Write) -> None:
    root = project(FILES)
    lint(root)
    assert lint(root, LintOptions(()))[1]
    assert lint(root, LintOptions(()))[1] == []
    assert lint(root)[1] == []


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", '{"key": 3}', "\x00", "[" * 100_000, '{"key": "x", "more": 1}']
)
def test_a_damaged_entry_is_passed_over(project: Write, damage: str) -> None:
    root = project(FILES)
    first, _ = lint(root)
    for entry in (root / ".bnlint_cache").glob("*.json"):
        entry.write_text(damage)
    again, linted = lint(root)
    assert sorted(linted) == ["nets.py", "other.py", "train.py"]
    assert told(again) == told(first)
    assert lint(root)[1] == []


CHANGES = st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4)


@given(CHANGES)
@settings(max_examples=25, deadline=None)
def test_any_change_of_an_entry_is_refused_or_keeps_its_types(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]]
) -> None:
    root = tmp_path_factory.mktemp("damaged")
    (root / "other.py").write_text(OTHER)
    lint(root)
    (entry,) = (root / ".bnlint_cache").glob("*.json")
    content = bytearray(entry.read_bytes())
    for place, byte in changes:
        content[int(place * len(content))] = byte
    entry.write_bytes(bytes(content))
    result, _ = lint(root)
    for finding in result.findings:
        assert (type(finding.message), type(finding.span.line)) == (str, int)


def test_a_folder_that_cannot_be_written_does_no_harm(project: Write) -> None:
    root = project({**FILES, ".bnlint_cache": "a file of that name\n"})
    assert len(lint(root)[0].findings) == 2
    (root / ".bnlint_cache").unlink()
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    (root / ".bnlint_cache").symlink_to(elsewhere)
    assert len(lint(root)[0].findings) == 2
    assert list(elsewhere.iterdir()) == []


def test_a_cache_that_comes_with_a_repository_is_not_believed(project: Write) -> None:
    root = project(FILES)
    lint(root)
    own = root / ".bnlint_cache"
    own.rename(root / "brought")
    shutil.copytree(root / "brought", own, copy_function=shutil.copy2)
    assert sorted(lint(root)[1]) == ["nets.py", "other.py", "train.py"]


def test_what_nobody_asks_for_is_removed(project: Write) -> None:
    root = project(FILES)
    lint(root)
    entries = sorted((root / ".bnlint_cache").glob("*.json"))
    long_ago = time.time() - (MOST_DAYS + 1) * 24 * 3600
    (root / "other.py").unlink()
    for entry in entries:
        os.utime(entry, (long_ago, long_ago))
    lint(root)
    assert len(list((root / ".bnlint_cache").glob("*.json"))) == len(entries) - 1


def test_the_options_and_clean(project: Write, run: Run) -> None:
    root = project(FILES)
    assert run(".", "--no-cache").status == 1
    assert not (root / ".bnlint_cache").exists()
    first = run(".", "--format", "json")
    assert (root / ".bnlint_cache" / ".gitignore").read_text() == "*\n"
    assert run(".", "--format", "json").out == first.out
    assert len(json.loads(run(".", "--format", "json", "--cache-dir", "kept").out)) == 2
    assert (root / "kept").is_dir()
    assert "Removed 2 entries from .bnlint_cache." in run("clean").out
    assert "Removed no entries" in run("clean").out
    assert "Removed 2 entries from kept." in run("clean", "--cache-dir", "kept").out
    assert not (root / "kept").exists()


def test_clean_removes_nothing_that_is_no_cache(project: Write, run: Run) -> None:
    root = project({"data/results.json": "{}"})
    assert "no entries" in run("clean", "--cache-dir", "data").out
    assert (root / "data/results.json").exists()


def test_fixes_are_the_same_with_a_cache(project: Write, run: Run) -> None:
    root = project(FILES)
    run(".")
    patch = run(".", "--diff").out
    assert patch == run(".", "--diff", "--no-cache").out
    run(".", "--fix")
    assert "0.99" not in (root / "other.py").read_text()
    assert run("other.py").status == 0
