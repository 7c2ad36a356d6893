"""Patterns mean what git means by them, and no pattern takes long."""

import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bnlint.lint import gitignore
from bnlint.lint.files import Patterns
from tests import pace

NAMES = ("a", "b", "ab", "aab", "a.b", "-", "]", "[", "a b", "!", "#a", "B1", "\\")
FOLDERS = ("a", "b", "ab")
PIECES = (
    *("a", "b", "ab", "/", "/", "*", "*", "**", "?", ".", " ", "!", "#", "-", "]", "[", "\\"),
    *(
        "/**",
        "**/",
        "/**/",
        "[ab]",
        "[!a]",
        "[^b]",
        "[a-b]",
        "[b-a]",
        "[]]",
        "[]-a]",
        "[a",
        "[!]a]",
    ),
    *(
        "[[:alpha:]]",
        "[[:upper:][:digit:]]",
        "[[:no:]]",
        "[[:alpha:]",
        "[\\]]",
        "\\*",
        "\\a",
        "[[]",
    ),
)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with every name in every folder of up to two levels."""
    root = tmp_path_factory.mktemp("tree")
    subprocess.run(["git", "init", "-q", root], check=True)
    for folder in ("", *FOLDERS, *("/".join(pair) for pair in product(FOLDERS, FOLDERS))):
        (root / folder).mkdir(exist_ok=True)
        for name in NAMES:
            if name not in FOLDERS or folder.count("/"):
                (root / folder / name).touch()
    return root


def paths_in(root: Path) -> list[str]:
    found = (p.relative_to(root) for p in root.rglob("*") if ".git" not in p.parts)
    return [str(path) for path in found if path.name != ".gitignore"]


def ignored_by_git(root: Path, paths: list[str]) -> set[str]:
    run = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=root,
        input="\0".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stderr
    return set(filter(None, run.stdout.decode().split("\0")))


def ignored_here(root: Path, text: str, paths: list[str]) -> set[str]:
    lines = gitignore.lines_of(text)
    parsed = [pattern for line in lines if (pattern := gitignore.parse(line)) is not None]
    patterns = Patterns(root, tuple(reversed(parsed)))
    return {
        path
        for path in paths
        if patterns.cover(root / path)
        or patterns.decide(root / path, folder=(root / path).is_dir()) is True
    }


def begins_oddly(line: str) -> bool:
    """Whether git takes two stars behind plain characters for folders, against its own manual."""
    plain = line.lstrip("!/")
    before = plain.partition("**")[0]
    return "**" in plain and bool(before) and not set(before) & set("*?[\\") and before[-1] != "/"


patterns = st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join)


@needs_git
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(patterns, min_size=1, max_size=3))
def test_patterns_mean_what_git_means(tree: Path, lines: list[str]) -> None:
    assume(not any(begins_oddly(line) for line in lines))
    text = "\n".join(lines) + "\n"
    (tree / ".gitignore").write_text(text)
    paths = paths_in(tree)
    assert ignored_here(tree, text, paths) == ignored_by_git(tree, paths)


HOSTILE = [
    ("*a" * 30 + "*b", "a" * 200),
    ("**/a/" * 20 + "b", "a/" * 100 + "c"),
    ("*" * 5000 + "b", "a" * 200),
    ("*?" * 50 + "b", "a" * 200),
    ("**/*a*a*a/" * 20 + "b", "aaaaaa/" * 50 + "c"),
    ("[a-z]*" * 60 + "!", "a" * 200),
    ("a/**/" * 50 + "*.py", "a/" * 200 + "x.p"),
    ("[" * 20000, "[" * 200),
    ("\\" * 20001, "a"),
]


@pytest.mark.parametrize(("line", "path"), HOSTILE)
def test_no_pattern_takes_long(line: str, path: str) -> None:
    with pace.within(1):
        pattern = gitignore.parse(line)
        assert pattern is None or not pattern.matches(path, folder=False)


def test_a_line_is_trimmed_as_git_does() -> None:
    text = "\ufeffa  \r\n# b\n\nc\\ \n\\#d\r\n"
    assert list(gitignore.lines_of(text)) == ["a", "c\\ ", "\\#d"]


def test_one_long_path_is_matched_in_time() -> None:
    pattern = gitignore.parse("**/".join("abc") + "*x*y")
    assert pattern is not None
    path = os.sep.join("abcx" * 200)
    with pace.within(1):
        assert not pattern.matches(path, folder=False)
