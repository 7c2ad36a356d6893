"""Fixes change the text of files and nothing else; what cannot be written stops its own fixes only."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bnlint.cli.main import main
from bnlint.lint import atomic_writing
from bnlint.source import Project
from tests.attacks.limited import HEAD, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files as Linux has them")

OLD, NEW = "momentum=0.9", "momentum=0.1"
CODE = f"{HEAD}nn.BatchNorm2d(3, {OLD})\n"


def fix(folder: Path, *arguments: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Fix a folder and return what is said about it."""
    capfd.readouterr()
    assert main(["check", str(folder), "--fix", "--exit-zero", *arguments]) == 0
    return "".join(capfd.readouterr())


def project(folder: Path, *names: str) -> None:
    (folder / "pyproject.toml").touch()
    for name in names:
        (folder / name).write_text(CODE)


ODD = {
    "escapes": b"# coding: unicode_escape\n" + CODE.encode() + b"# \\u00e9\n",
    "raw escapes": b"# coding: raw_unicode_escape\n" + CODE.encode() + b"# \\u00e9\n",
    "7 bits": b"# coding: utf-7\n" + CODE.encode() + b"# +AGE-\n",
    "shifted": b"# coding: iso2022_jp\n" + CODE.encode() + b"# \x1b(B\n",
}


@pytest.mark.parametrize("name", ODD)
def test_an_encoding_that_gives_other_bytes_stops_its_own_fixes(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, "good.py")
    (tmp_path / "odd.py").write_bytes(ODD[name])
    said = fix(tmp_path, capfd=capfd)
    assert NEW in (tmp_path / "good.py").read_text()
    assert (tmp_path / "odd.py").read_bytes() == ODD[name]
    assert "odd.py` is not fixed: reading and writing it in its encoding does not" in said
    assert "has changed" not in said
    assert "Fixed 1 problem in 1 file." in said


@pytest.mark.parametrize("denied", ["file", "folder"])
def test_a_file_that_cannot_be_written_stops_its_own_fixes(
    denied: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    project(tmp_path, "good.py", "inner/closed.py")
    closed = tmp_path / "inner" / ("closed.py" if denied == "file" else "")
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != closed and access(path, mode)
    )
    said = fix(tmp_path, capfd=capfd)
    assert NEW in (tmp_path / "good.py").read_text()
    assert OLD in (tmp_path / "inner/closed.py").read_text()
    assert "closed.py` is not fixed: permission to write" in said


def test_modes_and_attributes_are_kept_and_hard_links_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, "a.py")
    file = tmp_path / "a.py"
    file.chmod(0o751)
    os.link(file, tmp_path / "other")
    try:
        os.setxattr(file, "user.origin", b"here")
    except OSError:
        pytest.skip("needs a file system with attributes")
    said = fix(tmp_path, capfd=capfd)
    assert NEW in file.read_text()
    assert file.stat().st_mode & 0o7777 == 0o751
    assert os.getxattr(file, "user.origin") == b"here"
    assert OLD in (tmp_path / "other").read_text()
    assert "a.py` had other names (hard links), which keep the old text" in said


KILLED = """
import os, sys, time
from bnlint.lint import atomic_writing
atomic_writing._replace_all = lambda prepared: (print("ready", flush=True), time.sleep(100))
from bnlint.cli.main import main
main(["check", sys.argv[1], "--fix"])
"""


def test_what_a_killed_run_leaves_is_removed_by_the_next(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], elsewhere: dict[str, str]
) -> None:
    project(tmp_path, "a.py")
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=elsewhere) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        (left,) = tmp_path.glob(f".*{atomic_writing.SUFFIX}")
        atomic_writing._sweep(str(tmp_path))
        assert left.exists()  # its writer lives
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "a.py").read_text() == CODE
    assert left.exists()
    os.symlink("a.py", tmp_path / f".link{atomic_writing.SUFFIX}")
    os.mkfifo(tmp_path / f".pipe{atomic_writing.SUFFIX}")
    started = time.monotonic()
    fix(tmp_path, capfd=capfd)
    assert time.monotonic() - started < 30
    assert not left.exists()
    assert NEW in (tmp_path / "a.py").read_text()


def test_a_long_name_can_be_fixed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = "n" * 250 + ".py"
    project(tmp_path, name)
    fix(tmp_path, capfd=capfd)
    assert NEW in (tmp_path / name).read_text()


def test_a_text_for_a_folder_that_is_not_there_is_linted(tmp_path: Path) -> None:
    project(tmp_path)
    program = (
        "-c",
        "import io, sys; from bnlint.cli.main import main\n"
        f"sys.stdin = io.TextIOWrapper(io.BytesIO({('from . import foo' + chr(10) + CODE)!r}.encode()))\n"
        "sys.exit(main(['-', '--stdin-filename', 'newfolder/x.py', '--format', 'json']))",
    )
    outcome = run(tmp_path, program=program)
    assert outcome.rules == ["BN102"], outcome.err


def test_the_root_of_the_file_system_is_a_folder() -> None:
    project = Project()
    assert project.resolve("", 1, Path("/x.py")) in (Path("/"), None)
    assert not project.unreadable


def test_utf_16_is_said_and_not_passed_over(tmp_path: Path) -> None:
    project(tmp_path, "a.py")
    (tmp_path / "b.py").write_bytes(CODE.encode("utf-16"))
    (tmp_path / "c.py").write_bytes("x = 1".encode("utf-16"))
    outcome = run(tmp_path, ".", "--format", "json")
    assert outcome.rules == ["BN102", "BN000"]
    assert "UTF-16" in outcome.messages[1]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    project(tmp_path, "a.py")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "bnlint", "a.py"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "error: cannot use the output: no space left on device\n"
