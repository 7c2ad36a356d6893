"""``--watch`` reports again when something changes."""

import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import Run

Write = Callable[..., Path]
MODEL = "from torch import nn\n\nnet = nn.Sequential(nn.BatchNorm2d(8, momentum=0.99))\n"
PATIENCE = 60


@pytest.mark.skipif(find_spec("watchfiles") is None, reason="needs watchfiles")
def test_it_reports_again_after_each_change(project: Write, elsewhere: dict[str, str]) -> None:
    folder = project({"model.py": MODEL})
    command = [sys.executable, "-m", "bnlint", "model.py", "--watch", "--format", "concise"]
    with (folder / "report.txt").open("w") as report:
        watching = subprocess.Popen(command, stdout=report, stderr=report, env=elsewhere)
    try:
        wait_for(folder, "Waiting for changes", 1)
        assert "BN102" in (folder / "report.txt").read_text()
        time.sleep(0.5)  # until the first look at the folder is over
        (folder / "model.py").write_text(MODEL.replace("0.99", "0.1"))
        wait_for(folder, "Waiting for changes", 2)
        assert "All clear: 1 file checked." in (folder / "report.txt").read_text()
        (folder / "bnlint.toml").write_text("surprise = 1")
        wait_for(folder, "Waiting for changes", 3)
        assert "error: unknown key `surprise`" in (folder / "report.txt").read_text()
    finally:
        watching.terminate()
        watching.wait()


def wait_for(folder: Path, text: str, times: int) -> None:
    end = time.monotonic() + PATIENCE
    while (folder / "report.txt").read_text().count(text) < times:
        assert time.monotonic() < end, (folder / "report.txt").read_text()
        time.sleep(0.05)


def test_it_only_reports(project: Write, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project({"model.py": MODEL})
    monkeypatch.setattr("bnlint.cli.extras.find_spec", lambda name: None)
    assert run("--watch").err == 'error: --watch needs watchfiles: pip install "bnlint[watch]"\n'
    monkeypatch.setattr("bnlint.cli.extras.find_spec", lambda name: name)
    assert "`--watch` only reports" in run("model.py", "--watch", "--fix").err
    assert "standard input" in run("-", "--watch").err
