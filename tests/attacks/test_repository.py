"""A repository that is linted can neither run its code nor make the linter wait or grow."""

import importlib
import os
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bnlint
from tests import pace
from tests.attacks.limited import HEAD, TAIL, lint, run, survives
from tests.pace import is_within

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

RUNS = """
import os
import torch
from torch import nn


class Net(nn.Module):
    print("EXECUTED", os.environ.get("SECRET"))

    def __init__(self):
        super().__init__()
        open("harm.txt", "w")
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(x)


Net()(torch.rand(2, 3, 8, 8))
"""


def test_a_configuration_cannot_switch_on_what_runs_code(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.bnlint]\ntrace = true\n")
    (tmp_path / "train.py").write_text(RUNS)
    for arguments in ((".",), ("train.py", "--fix"), ("train.py", "--diff")):
        outcome = run(tmp_path, *arguments, environment={"SECRET": "hunter2"})
        assert outcome.status == 0
        assert "Traced" not in outcome.out + outcome.err
        assert "hunter2" not in outcome.out + outcome.err
        (said,) = [line for line in outcome.err.splitlines() if line.startswith("note:")]
        assert "`trace = true` in " in said
        assert "is ignored" in said


SHADOWS = (
    "click re json libcst rich dataclasses tomllib typing pathlib sitecustomize conftest setup"
)


@pytest.mark.parametrize("program", [("-m", "bnlint"), ("-P", "-m", "bnlint")])
def test_modules_of_the_working_directory_are_not_imported(
    tmp_path: Path, program: tuple[str, ...]
) -> None:
    for name in SHADOWS.split():
        (tmp_path / f"{name}.py").write_text("print('EXECUTED')\n")
    (tmp_path / "train.py").write_text(HEAD + "import click, setup\n" + TAIL)
    outcome = run(tmp_path, "train.py", program=program)
    assert "BN203" in outcome.out
    assert "EXECUTED" not in outcome.out + outcome.err


def odd_files(folder: Path) -> dict[str, Path]:
    os.mkfifo(folder / "pipe")
    return {"a device": Path("/dev/zero"), "a named pipe": folder / "pipe", "itself": Path("odd")}


@pytest.mark.parametrize("kind", ["a device", "a named pipe", "itself"])
@pytest.mark.parametrize("name", ["helper.py", ".gitignore", "pyproject.toml", "other.py"])
def test_only_regular_files_are_read(tmp_path: Path, name: str, kind: str) -> None:
    target = odd_files(tmp_path)[kind]
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(HEAD + "import helper\nhelper.go()\n" + TAIL)
    (folder / name).symlink_to(name if kind == "itself" else target)
    outcome = run(folder, "--format", "json", ".")
    survives(outcome)
    assert "BN203" in outcome.rules
    if name == ".gitignore":
        assert outcome.err.count("is not read") == 1


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("helper.py", ".gitignore", "pyproject.toml", "other.py"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "train.py").write_text(HEAD + "from helper import x\n" + TAIL)
    outcome = run(tmp_path, "--format", "json", ".")
    survives(outcome)
    assert outcome.rules == ["BN000", "BN203"]
    assert outcome.messages[0] == "Cannot be read: it is a named pipe"


@pytest.mark.parametrize("name", ["train.py", "helper.py", ".gitignore"])
def test_a_file_beyond_the_limit_is_not_read_and_that_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(HEAD + "import helper\n" + TAIL)
    with (tmp_path / name).open("ab") as file:
        file.truncate(1 << 33)
    outcome = run(tmp_path, "--format", "json", "train.py", ".")
    survives(outcome)
    assert "larger than" in outcome.err + outcome.out
    assert ("BN203" in outcome.rules) == (name != "train.py")


IGNORES = {
    "stars": "*a" * 30 + "*b",
    "folders": "**/a/" * 20 + "x",
    "many": "\n".join(f"*{number}*a*b" for number in range(10_000)),
    "sets": "[" * 100_000,
    "not UTF-8": "\udcff*a*b",
}


@pytest.mark.parametrize("name", IGNORES)
def test_a_gitignore_cannot_keep_the_linter_busy(tmp_path: Path, name: str) -> None:
    (tmp_path / ".gitignore").write_text(IGNORES[name], errors="surrogateescape")
    deep = tmp_path / "/".join("a" * 60)
    deep.mkdir(parents=True)
    (deep / ("a" * 80 + ".py")).write_text("import torch\n")
    survives(lint(tmp_path, {"train.py": HEAD + TAIL}, "."))


def test_many_gitignores_cannot_either(tmp_path: Path) -> None:
    patterns = "".join(f"*{number:x}*a\n" for number in range(3_000))
    files = {f"d{n}/{name}": text for n in range(60) for name, text in (
        (".gitignore", patterns),
        ("a.py", "import torch\n"),
    )}  # fmt: skip
    outcome = lint(tmp_path, {"train.py": HEAD + TAIL, **files}, ".")
    survives(outcome)
    assert outcome.rules == ["BN203"]
    assert outcome.err.count("more than 10000 patterns") == 57


@pytest.mark.parametrize("key", ["exclude", "per-file-ignores"])
def test_a_configuration_of_many_patterns_is_refused(tmp_path: Path, key: str) -> None:
    names = [f"*{number:x}*a" for number in range(9_000)]
    listed = [f"\"{name}\" = ['BN2']" for name in names]
    table = (
        f"exclude = {names}" if key == "exclude" else f"per-file-ignores = {{{','.join(listed)}}}"
    )
    (tmp_path / "train.py").write_text(HEAD + TAIL)
    (tmp_path / "pyproject.toml").write_text(f"[tool.bnlint]\n{table}\n")
    outcome = run(tmp_path, "train.py")
    assert outcome.status == 2
    assert f"`{key}`" in outcome.err
    assert "more than 1000 patterns" in outcome.err
    assert is_within(outcome.seconds, 5)


@pytest.mark.parametrize(("result", "cut"), [("sys.argv, nn.Linear(1, 1)", 1), ("sys.argv", 0)])
def test_calls_that_a_configuration_keeps_share_their_steps(
    tmp_path: Path, result: str, cut: int
) -> None:
    """What builds no model is given up as soon as it takes too long."""
    busy = "".join(f"def f{n}(x): return [f{n - 1}(x + [n]) for n in '12']\n" for n in range(1, 30))
    code = f"{HEAD}import sys\n{TAIL}def f0(x):\n    return {result}\n{busy}f29([q.x])\n"
    (tmp_path / "train.py").write_text(code)
    runs = [f"train.py --x {number}" for number in range(20)]
    (tmp_path / "pyproject.toml").write_text(f"[tool.bnlint]\nruns = {runs}\n")
    outcome = run(tmp_path, "--format", "json", "train.py")
    survives(outcome, seconds=45)
    assert outcome.rules == ["BN203"]
    assert outcome.err.count("Not followed") == cut


@pytest.mark.parametrize("key", ["exclude", "per-file-ignores"])
@pytest.mark.parametrize("name", ["stars", "folders"])
def test_configured_patterns_cannot_either(tmp_path: Path, key: str, name: str) -> None:
    value = f'["{IGNORES[name]}"]' if key == "exclude" else f'{{"{IGNORES[name]}" = ["BN2"]}}'
    (tmp_path / ("a" * 80 + ".py")).write_text(HEAD + TAIL)
    (tmp_path / "pyproject.toml").write_text(f"[tool.bnlint]\n{key} = {value}\n")
    outcome = run(tmp_path, "--format", "json", ".")
    survives(outcome)
    assert outcome.rules == ["BN203"]


CONFIGURATIONS = {
    "brackets": "[tool.bnlint]\nselect = " + "[" * 100_000,
    "tables": "[" * 100_000,
    "inline": "x = " + "{a=" * 50_000,
    "a dotted key": "a." * 100_000 + "a = 1",
    "dotted keys": ("a." * 900 + "a{} = 1\n").format(1) * 100,
    "huge": "#" * 300_000,
    "digits": f"[tool.bnlint]\nmin-normalization-batch = {'9' * 200_000}",
    "digits elsewhere": f"a = 1{'_1' * 100_000}",
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_hostile_configuration_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(HEAD + TAIL)
    (tmp_path / "pyproject.toml").write_text(CONFIGURATIONS[name])
    outcome = run(tmp_path, "train.py")
    assert outcome.status == 2
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    assert "report this" not in outcome.err
    assert is_within(outcome.seconds, 10)


IMPORTS = {
    "blanks": "from " + " " * 200_000 + "x\n",
    "dots": "from " + "." * 200_000 + "x\n",
    "open brackets": "from a import (" * 100_000,
    "names": "import " + "a," * 200_000 + "a\n",
    "comments": "# bnlint: ignore[" * 50_000 + "\n" + HEAD + TAIL,
    "words of noqa": HEAD + TAIL.rstrip() + "  # noqa: " + "A" * 200_000 + "\n",
    "blank comments": HEAD + TAIL.rstrip() + ("  #" + " " * 1000) * 200 + "\n",
}


@pytest.mark.parametrize("name", IMPORTS)
def test_what_is_searched_for_words_cannot_keep_the_linter_busy(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(HEAD + TAIL)
    survives(lint(tmp_path, {"other.py": IMPORTS[name]}, "other.py", "train.py"))


REPEATED = [
    *(
        " ",
        "\t",
        "\n",
        "\\\n",
        "a",
        "a.",
        "a,",
        "(",
        "[",
        "{",
        "#",
        "# ",
        "#[",
        "'",
        '"',
        "'''",
        "`",
    ),
    *(
        "1",
        "0",
        "a b",
        "def ",
        "class a(",
        "except ,",
        "raise a.",
        "a =",
        "a(",
        ", (",
        "*",
        "/",
        ":",
    ),
    *(
        "from ",
        "from . ",
        "import a, ",
        "import (",
        "async ",
        "async=",
        "print ",
        "u'",
        "f'{",
        "noqa",
    ),
    *("# bnlint: ignore[", "# noqa: A1,", "norm", "freeze", "num_classes", "BatchNorm2d.", "x" * 9),
]


AT_ONE_PLACE = ("_CLASS", "_REST_OF_LINE", "code_text._ASSIGNED", "._WHOLE_NUMBER")
"""Expressions that are matched where they must begin, not searched for."""


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """The regular expressions of bnlint's modules that look at code."""
    for found in pkgutil.walk_packages(bnlint.__path__, "bnlint."):
        if ".tracer." in found.name or found.name.endswith((".__main__", "_plot")):
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                yield f"{found.name}.{name}", value


@pytest.mark.parametrize(("name", "pattern"), list(patterns()))
def test_every_expression_takes_time_in_proportion(name: str, pattern: re.Pattern[str]) -> None:
    for repeated in REPEATED:
        text = repeated * (20_000 // len(repeated)) + "!"
        with pace.within(2):
            if name.endswith(AT_ONE_PLACE):
                pattern.match(text)
            else:
                sum(1 for _ in pattern.finditer(text))
