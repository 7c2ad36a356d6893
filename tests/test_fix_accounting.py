"""What fixes may change, and what is said of what was changed."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bnlint.finding import Finding
from tests.test_fixer import fix_all, replacing

Write = Callable[..., Path]
Run = Callable[..., Any]
BAD = "import torch\nfrom torch import nn\nnet = nn.BatchNorm2d(3, momentum=0.99)\n"
FIXED = BAD.replace("0.99", "0.01")
TRAIN = "import torch\nimport nets\nnets.net(torch.rand(2, 3, 4, 4))\n"


def test_a_file_that_was_not_named_is_left(project: Write, run: Run) -> None:
    root = project({"train.py": TRAIN, "nets.py": BAD})
    printed = run("train.py", "--fix", "--format", "concise")
    assert (root / "nets.py").read_text() == BAD
    assert "Fixed" not in printed.out
    assert printed.out.startswith(
        "Left 1 problem whose fix changes `nets.py`: name them, or use --fix-imports.\n"
    )
    assert "[*] 1 fixable with --fix --fix-imports.\n" in printed.out
    assert (
        "(applied with --fix --fix-imports, since `nets.py` was not named)" in run("train.py").out
    )


@pytest.mark.parametrize("words", [["train.py", "nets.py"], ["."], ["train.py", "--fix-imports"]])
def test_what_is_named_is_fixed(project: Write, run: Run, words: list[str]) -> None:
    root = project({"train.py": TRAIN, "nets.py": BAD})
    assert "Fixed 1 problem in 1 file.\n" in run(*words, "--fix").out
    assert (root / "nets.py").read_text() == FIXED


def test_a_diff_shows_what_would_be_changed_and_says_what_would_not(
    project: Write, run: Run
) -> None:
    project({"train.py": TRAIN, "nets.py": BAD})
    printed = run("train.py", "--diff")
    assert (printed.status, printed.out) == (0, "")
    assert "Would fix 0 problems in 0 files.\nLeft 1 problem" in printed.err
    assert run("train.py", "--diff", "--fix-imports").status == 1


def test_with_standard_input_only_that_is_fixed_and_counted(project: Write, run: Run) -> None:
    root = project({"train.py": TRAIN, "nets.py": BAD})
    code = (TRAIN + "from torch import nn\nnorm = nn.BatchNorm2d(3, momentum=0.95)\n").encode()
    words = ("-", "--stdin-filename", "train.py", "--fix", "--fix-imports")
    printed = run(*words, stdin=code)
    assert printed.out.encode() == code.replace(b"0.95", b"0.05")
    assert printed.err.startswith(
        "Fixed 1 problem in 1 file.\nLeft 1 problem whose fix changes `nets.py`: name the file.\n"
    )
    assert (root / "nets.py").read_text() == BAD


def test_shown_fixes_name_place_rule_and_title(project: Write, run: Run) -> None:
    project({"a.py": BAD, "b.py": "\n" + BAD})
    printed = run(".", "--fix", "--show-fixes")
    assert printed.out.startswith(
        "Fixed 2 problems in 2 files:\n"
        "  a.py:3: BN102 Use `momentum=0.01`\n"
        "  b.py:4: BN102 Use `momentum=0.01`\n"
    )


def test_a_diff_names_its_fixes_beside_the_patch(project: Write, run: Run) -> None:
    project({"a.py": BAD})
    printed = run(".", "--diff", "--show-fixes")
    assert printed.err == "Would fix 1 problem in 1 file:\n  a.py:3: BN102 Use `momentum=0.01`\n"
    assert "BN102" not in printed.out


def test_nothing_outside_the_project_is_changed_through_links(project: Write, run: Run) -> None:
    root = project({"inside/train.py": TRAIN, "inside/.git/config": "", "outside/nets.py": BAD})
    os.symlink("../outside/nets.py", root / "inside" / "nets.py")
    for words in (["inside/train.py", "--fix-imports"], ["inside"], ["inside/nets.py"]):
        printed = run(*words, "--fix", "--show-fixes")
        assert (root / "outside" / "nets.py").read_text() == BAD
        assert "Fixed" not in printed.out
        assert "a suggestion that --fix does not apply" in printed.out


def test_nothing_behind_a_linked_folder_is_changed(
    project: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(
        {"inside/train.py": TRAIN.replace("nets", "linked.nets"), "outside/nets.py": BAD}
    )
    (root / "inside" / "train.py").write_text(
        "import torch\nfrom linked.nets import net\nnet(torch.rand(2, 3, 4, 4))\n"
    )
    os.symlink("../outside", root / "inside" / "linked")
    monkeypatch.chdir(root / "inside")
    printed = run("train.py", "--fix", "--fix-imports")
    assert "linked/nets.py:3" in printed.out
    assert (root / "outside" / "nets.py").read_text() == BAD


def test_a_file_of_two_names_is_fixed_once(project: Write, run: Run) -> None:
    root = project({"z.py": BAD})
    os.symlink("z.py", root / "a.py")
    printed = run(".", "--fix", "--show-fixes")
    assert "Fixed 1 problem in 1 file:\n  a.py:3: BN102" in printed.out
    assert (root / "z.py").read_text() == FIXED
    assert (root / "a.py").is_symlink()


def test_what_ends_where_it_began_is_not_counted() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        yield from replacing("left", "right")(path, content)
        yield from replacing("right", "left")(path, content)

    texts, settled = fix_all(look, {"a.py": "left\n"})
    assert texts == {"a.py": "left\n"}
    assert (settled.fixed, settled.changes, settled.done) == (0, (), ())


def test_an_edit_that_changes_nothing_is_not_counted() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        yield from replacing("old", "new")(path, content)
        if "old" in content:
            yield from replacing("same", "same")(path, content)

    texts, settled = fix_all(look, {"a.py": "old + same\n"})
    assert texts == {"a.py": "new + same\n"}
    assert settled.fixed == 1
