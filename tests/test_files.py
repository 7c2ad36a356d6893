"""Which files a path means."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlint.errors import UsageError
from bnlint.lint import files
from bnlint.lint.files import Patterns
from bnlint.lint.relevance import relevant

Write = Callable[..., Path]


def found(root: Path, *paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    targets = files.find(paths or (str(root),), Patterns.of(root, exclude)).targets
    return [target.path.relative_to(root).as_posix() for target in targets]


def test_a_folder_means_the_python_files_below_it(project: Write) -> None:
    root = project({"b.py": "", "a.py": "", "c/d.py": "", "c/e.txt": "", "c/f.pyi": ""})
    assert found(root) == ["a.py", "b.py", "c/d.py"]


def test_folders_without_code_of_the_project_are_not_entered(project: Write) -> None:
    root = project(
        {
            "a.py": "",
            ".venv/b.py": "",
            "env/pyvenv.cfg": "",
            "env/c.py": "",
            "node_modules/d.py": "",
            "x/__pycache__/e.py": "",
        }
    )
    assert found(root) == ["a.py"]


def test_gitignore_counts_at_every_level(project: Write) -> None:
    root = project(
        {
            ".gitignore": "build/\n*_pb2.py\n/only_here.py\n",
            "build/a.py": "",
            "x_pb2.py": "",
            "only_here.py": "",
            "sub/.gitignore": "!x_pb2.py\nlocal.py\n# comment\n",
            "sub/x_pb2.py": "",
            "sub/local.py": "",
            "sub/only_here.py": "",
            "sub/build/a.py": "",
            "other/local.py": "",
        }
    )
    assert found(root) == ["other/local.py", "sub/only_here.py", "sub/x_pb2.py"]


def test_gitignore_above_a_named_folder_counts_within_the_repository(project: Write) -> None:
    root = project(
        {
            ".gitignore": "b.py\n",
            "repo/.git/HEAD": "",
            "repo/.gitignore": "a.py\n",
            "repo/sub/a.py": "",
            "repo/sub/b.py": "",
        }
    )
    assert found(root, str(root / "repo/sub")) == ["repo/sub/b.py"]


def test_a_repository_inside_a_repository_has_its_own_rules(project: Write) -> None:
    root = project({".gitignore": "a.py\n", "inner/.git/HEAD": "", "inner/a.py": "", "a.py": ""})
    assert found(root) == ["inner/a.py"]


def test_a_named_file_or_folder_is_linted_though_git_ignores_it(project: Write) -> None:
    root = project({".git/HEAD": "", ".gitignore": "build/\nx.py\n", "build/a.py": "", "x.py": ""})
    assert found(root, "build", "x.py") == ["build/a.py", "x.py"]


def test_exclude_counts_for_named_files_too(project: Write) -> None:
    root = project({"a.py": "", "vendor/b.py": "", "c/vendor/d.py": "", "c/e_gen.py": ""})
    assert found(root, exclude=("vendor/", "*_gen.py")) == ["a.py"]
    assert found(root, exclude=("/vendor",)) == ["a.py", "c/e_gen.py", "c/vendor/d.py"]
    assert files.find(["vendor/b.py"], Patterns.of(root, ["vendor/**"])).excluded == 1


def test_each_file_is_found_once(project: Write) -> None:
    root = project({"a.py": "", "b/c.py": ""})
    os.symlink(root / "a.py", root / "z.py")
    assert found(root, ".", "a.py", "b", "./b/../a.py") == ["a.py", "b/c.py"]


def test_symlink_loops_end(project: Write) -> None:
    root = project({"a/b.py": ""})
    os.symlink(root, root / "a/loop")
    os.symlink("self.py", root / "self.py")
    assert found(root) == ["a/b.py"]
    with pytest.raises(UsageError, match=r"no such file or folder: `self\.py`"):
        found(root, "self.py")


def test_a_very_deep_folder_is_walked(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project({})
    folder = root
    for _ in range(300):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "x.py").write_text("")
    assert len(found(root)) == 1


def test_a_missing_path_is_refused(project: Write) -> None:
    with pytest.raises(UsageError, match=r"no such file or folder: `no\.py`"):
        found(project({}), "no.py")


def test_a_device_is_refused(project: Write) -> None:
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        found(project({}), os.devnull)


def test_a_named_script_without_suffix_is_python_by_its_first_line(project: Write) -> None:
    root = project({"train": "#!/usr/bin/env python3\n", "run": "#!/bin/sh\n", "notes.txt": ""})
    assert found(root, "train") == ["train"]
    for name in ("run", "notes.txt"):
        with pytest.raises(UsageError, match=f"`{name}` cannot be linted: "):
            found(root, "train", name)


def test_an_unreadable_gitignore_line_is_skipped(project: Write) -> None:
    root = project({".gitignore": "!\na.py\n", "a.py": "", "b.py": ""})
    assert found(root) == ["b.py"]


def test_a_bad_exclude_pattern_is_refused(project: Write) -> None:
    with pytest.raises(UsageError, match="bad pattern"):
        Patterns.of(project({}), ["!"])


def mattering(root: Path, *named: str) -> list[str]:
    targets = files.find(named or (str(root),), Patterns.of(root, ())).targets
    return [target.path.relative_to(root).as_posix() for target in relevant(targets)]


def test_only_files_that_can_matter_are_parsed(project: Write) -> None:
    root = project(
        {
            "main.py": "import argparse\nfrom engine import (\n    fit,\n)\n",
            "engine.py": "from .pkg.nets import net\n",
            "pkg/__init__.py": "",
            "pkg/nets.py": "import torch\n",
            "sub/run.py": "import json, engine\n",
            "other.py": "import json\n",
            "unrelated.py": "import other\n",
        }
    )
    assert mattering(root) == ["engine.py", "main.py", "pkg/nets.py", "sub/run.py"]


def test_a_file_that_imports_by_computed_names_matters(project: Write) -> None:
    root = project(
        {
            "main.py": "from agents import *\n",
            "agents/__init__.py": "import importlib\nfor name in ['a', 'b']:\n"
            "    importlib.import_module('.' + name, __name__)\n",
            "other.py": "import json\n",
        }
    )
    assert mattering(root) == ["main.py", "agents/__init__.py"]


def test_a_file_that_python_cannot_read_matters_when_it_is_named(project: Write) -> None:
    root = project({"bad.py": "print 'x'\n", "good.py": "x = 1\n"})
    assert mattering(root) == []
    assert mattering(root, "bad.py", "good.py") == ["bad.py"]


def test_imports_in_a_circle_end(project: Write) -> None:
    root = project(
        {"setup.py": "", "a.py": "import b\n", "b.py": "from a import x\nfrom . import a\n"}
    )
    assert mattering(root) == []


def test_a_pattern_for_names_leaves_the_init_file_of_a_package(project: Write) -> None:
    root = project({".gitignore": "_*\n", "pkg/__init__.py": "", "pkg/_made.py": ""})
    assert found(root) == ["pkg/__init__.py"]


def test_the_last_pattern_decides_for_folders_too(project: Write) -> None:
    root = project({".gitignore": "*\n!*/\n!*.*\n", "src/a.py": "", "b.py": ""})
    assert found(root) == ["b.py", "src/a.py"]
