"""Files are written all or not at all, and only their text changes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlint.errors import UsageError
from bnlint.lint import atomic_writing
from bnlint.lint.fixer import Change
from bnlint.source import read

Write = Callable[..., Path]


def change(path: Path, old: str, new: str) -> Change:
    source = read(path)
    return Change(source, source.content.replace(old, new))


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        "x = 'é'\r\ny = 1\r\n".encode(),
        b"\xef\xbb\xbfx = 1\n",
        "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"),
        "# coding: cp1252\r\nx = '€'\n".encode("cp1252"),
        b"x = 1",
        b"x = 1\ry = 2\r",
        "x = '\u2028\x0c'\n\x0c\n".encode(),
    ],
)
def test_everything_but_the_fix_is_kept(project: Write, content: bytes) -> None:
    file = project({"a.py": content}) / "a.py"
    atomic_writing.write([change(file, "x =", "z =")])
    assert file.read_bytes() == content.replace(b"x =", b"z =")


def test_mode_and_symlinks_are_kept(project: Write) -> None:
    root = project({"a.py": "x = 1\n"})
    os.chmod(root / "a.py", 0o755)
    os.symlink("a.py", root / "link.py")
    atomic_writing.write([change(root / "link.py", "x", "y")])
    assert (root / "a.py").read_text() == "y = 1\n"
    assert (root / "a.py").stat().st_mode & 0o777 == 0o755
    assert (root / "link.py").is_symlink()
    assert names(root) == ["a.py", "link.py"]


def test_a_file_that_changed_meanwhile_is_left_and_so_are_all(project: Write) -> None:
    root = project({"a.py": "x = 1\n", "b.py": "x = 1\n"})
    changes = [change(root / "a.py", "x", "y"), change(root / "b.py", "x", "y")]
    (root / "b.py").write_text("new\n")
    with pytest.raises(UsageError, match=r"`.*b\.py` has changed since it was read"):
        atomic_writing.write(changes)
    assert (root / "a.py").read_text() == "x = 1\n"
    assert names(root) == ["a.py", "b.py"]


def test_when_one_file_cannot_be_replaced_all_are_as_before(
    project: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project({"a.py": "x = 1\n", "b.py": "x = 1\n"})
    changes = [change(root / "a.py", "x", "y"), change(root / "b.py", "x", "y")]
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target.name == "b.py":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UsageError, match="no space left on device; nothing was changed"):
        atomic_writing.write(changes)
    assert (root / "a.py").read_text() == (root / "b.py").read_text() == "x = 1\n"
    assert names(root) == ["a.py", "b.py"]


def test_a_file_that_went_away_is_one_clear_line(project: Write) -> None:
    root = project({"a.py": "x = 1\n"})
    changes = [change(root / "a.py", "x", "y")]
    (root / "a.py").unlink()
    with pytest.raises(UsageError, match=r"cannot write `a\.py`: no such file or directory"):
        atomic_writing.write(changes)


def test_text_that_the_encoding_cannot_hold_is_refused(project: Write) -> None:
    root = project({"a.py": "# coding: latin-1\nx = 1\n"})
    with pytest.raises(UsageError, match="which cannot hold the fixed text"):
        atomic_writing.write([change(root / "a.py", "x", "x = '€'")])
    assert names(root) == ["a.py"]


def test_a_report_is_written_to_files_and_devices(project: Write) -> None:
    root = project({})
    atomic_writing.write_text(root / "r.txt", "é\n")
    assert (root / "r.txt").read_text(encoding="utf-8") == "é\n"
    atomic_writing.write_text(Path(os.devnull), "x")
    assert not Path(os.devnull).is_file()
    with pytest.raises(UsageError, match="cannot write"):
        atomic_writing.write_text(root / "no/r.txt", "x")
