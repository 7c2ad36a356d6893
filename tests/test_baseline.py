"""What was there before is not told again, whatever happens to other lines."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.lint import engine
from bnlint.lint.fingerprints import fingerprints
from tests.conftest import Run

Write = Callable[..., Path]
HEAD = "from torch import nn\n"
BAD = "net = nn.BatchNorm2d(3, momentum=0.99)\n"
OTHER = "head = nn.BatchNorm1d(8, momentum=0.99)\n"


def marks(code: str) -> list[str]:
    result = engine.lint([engine.example(code)], engine.default_plan())
    return fingerprints(result.every, result.sources)


@given(st.lists(st.sampled_from(["x = 1\n", "# word\n", "\n", "def f(): pass\n"]), max_size=6))
@settings(max_examples=30, deadline=None)
def test_other_lines_do_not_matter(lines: list[str]) -> None:
    between = "".join(lines)
    assert marks(HEAD + between + BAD + between + OTHER) == marks(HEAD + BAD + OTHER)


def test_each_finding_has_a_name_of_its_own() -> None:
    found = marks(HEAD + BAD * 3 + OTHER)
    assert len(set(found)) == 4
    assert found[:2] == marks(HEAD + BAD * 2)


def test_what_was_there_is_not_told(project: Write, run: Run) -> None:
    root = project({"a.py": HEAD + BAD, "b.py": HEAD + OTHER})
    written = run(".", "--write-baseline", "known.json")
    assert (written.status, written.out) == (
        0,
        "Wrote 2 problems to known.json: with `--baseline known.json` only new ones are told.\n",
    )
    assert run(".", "--baseline", "known.json").status == 0
    (root / "a.py").write_text(HEAD + "\n\n" + BAD + BAD)
    again = run(".", "--baseline", "known.json", "--format", "json")
    assert [finding["line"] for finding in json.loads(again.out)] == [5]
    assert again.status == 1


def test_fixes_leave_it_alone(project: Write, run: Run) -> None:
    root = project({"a.py": HEAD + BAD})
    run(".", "--write-baseline", "known.json")
    run(".", "--fix", "--baseline", "known.json")
    assert (root / "a.py").read_text() == HEAD + BAD


def test_what_is_gone_is_noted_where_it_was_looked_for(project: Write, run: Run) -> None:
    root = project({"a.py": HEAD + BAD, "b.py": HEAD + OTHER})
    run(".", "--write-baseline", "known.json")
    (root / "a.py").write_text(HEAD)
    assert "1 problem is gone that `known.json` has" in run(".", "--baseline", "known.json").err
    assert "known.json" not in run("b.py", "--baseline", "known.json").err


def test_the_configuration_names_one(project: Write, run: Run) -> None:
    project({"pyproject.toml": '[tool.bnlint]\nbaseline = "known.json"\n', "a.py": HEAD + BAD})
    missing = run("a.py")
    assert (missing.status, missing.err.count("\n")) == (2, 1)
    assert "known.json" in missing.err
    run("a.py", "--write-baseline", "known.json")
    assert run("a.py").status == 0


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "findings": [3]}']
)
def test_what_is_no_baseline_is_one_clear_line(project: Write, run: Run, content: str) -> None:
    project({"a.py": HEAD + BAD, "known.json": content})
    done = run(".", "--baseline", "known.json")
    assert (done.status, done.err) == (
        2,
        "error: `known.json` is no baseline: --write-baseline writes one\n",
    )


@pytest.mark.parametrize("option", ["--fix", "--diff"])
def test_it_is_written_of_what_is_there(project: Write, run: Run, option: str) -> None:
    project({"a.py": HEAD + BAD})
    assert run(".", option, "--write-baseline", "known.json").status == 2
