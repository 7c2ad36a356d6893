"""``%load_ext bnlint``: what is new after each cell, and nothing that disturbs the session."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bnlint
from bnlint import ipython_extension

Write = Callable[..., Path]
MODEL = """%matplotlib inline
import torch
from torch import nn
from torch.utils.data import DataLoader
net = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 2))
optimizer = torch.optim.SGD(net.parameters(), 0.1)"""
TRAIN = """%%time
for epoch in range(9):
    for x, y in DataLoader(train_set, 64, shuffle=True):
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()"""
EVALUATE = """with torch.no_grad():
    for x, y in DataLoader(val_set, 64):
        correct = (net(x).argmax(1) == y).sum()"""
MOMENTUM = "from torch import nn\nnorm = nn.BatchNorm2d(8, momentum=0.99)"
MISSING_EVAL = "warning BN301 [missing-eval]"


@dataclass(eq=False)
class Shell:
    """What the extension uses of IPython's shell; a cell fails where it is told to."""

    user_ns: dict[str, Any] = field(default_factory=dict)
    callbacks: list[Callable[[Any], None]] = field(default_factory=list)
    history: list[str] = field(default_factory=lambda: [""])

    @property
    def history_manager(self) -> SimpleNamespace:
        return SimpleNamespace(input_hist_raw=self.history)

    @property
    def events(self) -> "Shell":
        return self

    def register(self, event: str, callback: Callable[[Any], None]) -> None:
        assert event == "post_run_cell"
        self.callbacks.append(callback)

    def unregister(self, event: str, callback: Callable[[Any], None]) -> None:
        self.callbacks.remove(callback)

    def run(self, source: str, fails: str = "", stored: bool = True) -> None:
        """Tell that a cell ran; ``fails`` is what is executed instead, for its exception."""
        if stored:
            self.history.append(source)
        result = SimpleNamespace(
            execution_count=len(self.history) - 1 if stored else None,
            error_in_exec=self._error(fails) if fails else None,
            info=SimpleNamespace(raw_cell=source),
        )
        for callback in [*self.callbacks]:
            callback(result)

    def _error(self, source: str) -> BaseException | None:
        try:
            exec(compile(source, "<cell>", "exec"), self.user_ns)
        except BaseException as error:
            return error
        return None


Told = Callable[[], list[str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return lambda: capsys.readouterr().out.splitlines()


@pytest.fixture
def shell(project: Write) -> Any:
    project({})
    shell = Shell()
    bnlint.load_ipython_extension(shell)
    yield shell
    bnlint.unload_ipython_extension(shell)
    assert not shell.callbacks


def test_what_a_cell_adds_is_told_by_cell_and_line(shell: Shell, told: Told) -> None:
    for source in (MODEL, TRAIN):
        shell.run(source)
        assert told() == []
    shell.run(EVALUATE)
    (line,) = told()
    assert line.startswith(f"bnlint: cell 3, line 3: {MISSING_EVAL} Gradients are off, but `net`")


def test_it_is_told_once(shell: Shell, told: Told) -> None:
    for source in (MODEL, TRAIN, EVALUATE):
        shell.run(source)
    assert len(told()) == 1
    shell.run(EVALUATE)
    shell.run("x = 1")
    shell.run("pass", stored=False)
    assert told() == []
    shell.run(f"# once more\n{EVALUATE}")
    assert [line[: len("bnlint: cell 6, line 4")] for line in told()] == ["bnlint: cell 6, line 4"]


def test_what_ran_before_counts(project: Write, told: Told) -> None:
    project({})
    shell = Shell(history=["", MODEL, TRAIN])
    bnlint.load_ipython_extension(shell)
    shell.run(EVALUATE)
    assert MISSING_EVAL in told()[0]
    bnlint.unload_ipython_extension(shell)


def test_loading_twice_and_unloading(shell: Shell, told: Told) -> None:
    bnlint.load_ipython_extension(shell)
    assert len(shell.callbacks) == 1
    bnlint.unload_ipython_extension(shell)
    bnlint.unload_ipython_extension(shell)
    shell.run(MOMENTUM)
    assert told() == []


def test_the_worst_come_first_and_not_all(shell: Shell, told: Told) -> None:
    norms = [f"norm{i} = nn.BatchNorm2d({8 + i}, momentum=0.9{i})" for i in range(1, 10)]
    shell.run("\n".join(["from torch import nn", *norms]))
    lines = told()
    assert len(lines) == ipython_extension.MOST_FINDINGS + 1
    assert lines[-1] == "bnlint: ... and 4 more"


def test_the_configuration_and_comments_hold(project: Write, told: Told) -> None:
    project({"pyproject.toml": '[tool.bnlint]\nignore = ["BN102"]\n'})
    shell = Shell()
    bnlint.load_ipython_extension(shell)
    shell.run(MOMENTUM)
    assert told() == []
    Path("pyproject.toml").write_text("")
    shell.run(f"{MOMENTUM}  # bnlint: ignore[BN102]")
    (line,) = told()
    assert line.startswith("bnlint: cell 1, line 2: warning BN102")
    bnlint.unload_ipython_extension(shell)


def test_of_a_cell_that_fails_counts_what_ran(shell: Shell, told: Told) -> None:
    shell.run(MODEL)
    shell.run(TRAIN)
    shell.run("net.eval()\nprint(nothing)\nnet.train()", fails="\nprint(nothing)")
    shell.run(EVALUATE)
    assert told() == []
    shell.run("net.train()\nraise ValueError", fails="\nraise ValueError")
    shell.run(f"# again\n{EVALUATE}")
    assert MISSING_EVAL in told()[0]


def test_below_a_magic_lines_count_from_the_next(shell: Shell, told: Told) -> None:
    shell.run(MODEL)
    shell.run(TRAIN)
    shell.run("%%time\nnet.eval()\nnothing\nnet.train()", fails="\nnothing")
    shell.run("net.train()\nnothing", fails="def f(): pass\nf(1, 2)")
    shell.run(EVALUATE)
    assert MISSING_EVAL in told()[0]


def test_of_a_cell_whose_failure_is_elsewhere_nothing_counts(shell: Shell, told: Told) -> None:
    shell.run(MODEL)
    shell.run(TRAIN)
    shell.user_ns = {"net": 1}
    elsewhere = ValueError("raised before anything ran")
    result = SimpleNamespace(
        execution_count=3, error_in_exec=elsewhere, info=SimpleNamespace(raw_cell="net.eval()")
    )
    shell.history.append("net.eval()")
    shell.callbacks[0](result)
    shell.run(EVALUATE)
    assert MISSING_EVAL in told()[0]


def test_a_cell_that_runs_on_and_on_is_read_twice(shell: Shell) -> None:
    shell.history += ["x = 1", *["x += 1"] * 5, "y = x"]
    session = ipython_extension.ShellSession(shell)
    assert session._cells(7) == ["x = 1", "x += 1", "x += 1", "", "", "", "y = x"]


def test_after_a_reset_numbers_go_on(shell: Shell) -> None:
    session = ipython_extension.ShellSession(shell, failed={1: "", 4: "y = 1"})
    shell.history += ["x = 1", "y = 1\nz"]
    assert session._cells(4) == ["", "", "x = 1", "y = 1"]


@pytest.mark.parametrize(
    "source", ["x = (", "\0", "# %%[cell 3]\nx = 1", "\ud800", "", "((" * 9_999]
)
def test_no_cell_disturbs_the_session(shell: Shell, told: Told, source: str) -> None:
    shell.run(source)
    shell.run(source, fails="raise KeyboardInterrupt")
    assert not [line for line in told() if "should not happen" in line]
    assert shell.callbacks


def test_a_mistake_in_the_configuration_is_said_once(shell: Shell, told: Told) -> None:
    Path("pyproject.toml").write_text('[tool.bnlint]\nselect = ["BN999"]\n')
    shell.run("x = 1")
    shell.run("x = 2")
    (line,) = told()
    assert "BN999" in line
    assert line.startswith("bnlint: ")


def test_a_mistake_of_ours_ends_it(
    shell: Shell, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ipython_extension, "_linted", lambda cells: 1 / 0)
    shell.run("x = 1")
    (line,) = told()
    assert "please report it" in line
    assert "ZeroDivisionError" in line
    assert not shell.callbacks


def test_what_takes_long_ends_it(shell: Shell, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipython_extension, "SECONDS", 0.01)
    monkeypatch.setattr(ipython_extension, "_linted", lambda cells: time.sleep(0.5))
    shell.run("x = 1")
    assert "`%reload_ext bnlint` begins anew" in told()[0]
    assert not shell.callbacks


def test_an_interrupt_is_not_passed_on(
    shell: Shell, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(cells: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ipython_extension, "_linted", interrupted)
    shell.run("x = 1")
    assert told() == []
    assert shell.callbacks


SESSION = """\
import sys
from types import ModuleType, SimpleNamespace

from IPython.core.interactiveshell import InteractiveShell

sys.modules["torch"] = torch = ModuleType("torch")
torch.nn = SimpleNamespace(BatchNorm2d=lambda *_, **__: None)
shell = InteractiveShell.instance()
for cell in [
    "from torch import nn\\nnorm = nn.BatchNorm2d(8, momentum=0.99)",
    "%load_ext bnlint",
    "%time x = 1\\nnorm = nn.BatchNorm2d(16, momentum=0.98)",
    "raise ValueError",
    "x = (",
    "%reset -f",
    "from torch import nn\\nnorm = nn.BatchNorm2d(24, momentum=0.96)",
    "%unload_ext bnlint",
    "norm = nn.BatchNorm2d(32, momentum=0.97)",
]:
    shell.run_cell(cell, store_history=True)
"""


def test_ipython_loads_it(project: Write, elsewhere: dict[str, str]) -> None:
    pytest.importorskip("IPython")
    project({"session.py": SESSION})
    done = subprocess.run(
        [sys.executable, "session.py"], capture_output=True, text=True, env=elsewhere
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("bnlint")]
    assert [line.partition(" [")[0] for line in told] == [
        "bnlint: cell 1, line 2: warning BN102",
        "bnlint: cell 3, line 2: warning BN102",
        "bnlint: cell 7, line 2: warning BN102",
    ], done.stdout + done.stderr
    assert "Error in callback" not in done.stdout + done.stderr


def test_the_package_imports_nothing_for_it() -> None:
    code = "import sys, bnlint; print('bnlint.ipython_extension' in sys.modules, 'libcst' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]
