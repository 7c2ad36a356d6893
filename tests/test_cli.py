"""The command line as users meet it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlint import __version__, registry
from bnlint.cli import main, option_groups, progress
from bnlint.lint import engine

Write = Callable[..., Path]
Run = Callable[..., Any]
BAD = "import torch\nfrom torch import nn\nnet = nn.BatchNorm2d(3, momentum=0.99)\n"
FIXED = BAD.replace("0.99", "0.01")
UNSAFE = "import torch\nfrom torch import nn\nnet = nn.BatchNorm2d(3, 0.1)\n"
UNSAFE_FIXED = UNSAFE.replace("0.1", "momentum=0.1")
ADVICE = (
    "from torch import nn\nnet = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())\n"
)


def test_a_file_alone_is_checked(project: Write, run: Run) -> None:
    project({"a.py": BAD})
    long, short = run("check", "a.py"), run("a.py")
    assert long == short
    assert long.status == 1
    assert long.out.startswith("BN102 [*] ")
    assert "Found 1 problem (1 warning) in 1 file." in long.out
    assert long.err == ""


def test_options_may_come_first(project: Write, run: Run) -> None:
    project({"a.py": BAD})
    assert run("--format", "concise", "a.py").out.startswith("a.py:3:")


def test_without_paths_check_means_the_working_directory(project: Write, run: Run) -> None:
    project({"sub/a.py": BAD})
    assert run("check").status == 1
    assert "sub/a.py:3:" in run("check", "--format", "concise").out


def test_without_anything_help_is_shown(run: Run) -> None:
    assert run().status == 0
    assert "Usage: bnlint" in run().out
    assert run("--help").out == run("-h").out == run().out
    assert "--unsafe-fixes" in run("check", "--help").out


def test_the_version(run: Run) -> None:
    assert run("--version").out == f"bnlint {__version__}\n"


NO_SCRIPT = "Rehearsed no script: what these files define was read by itself.\n"


def test_clean_code(project: Write, run: Run) -> None:
    project({"a.py": "import torch\n", "b.py": ""})
    printed = run(".")
    assert printed.status == 0
    assert printed.out == f"All clear: 2 files checked.\n{NO_SCRIPT}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("notes.txt", "a file that ends in `.txt` is no Python file"),
        ("train", "it has neither the suffix `.py` nor a first line that names Python"),
    ],
)
def test_a_named_file_that_is_no_python(project: Write, run: Run, name: str, reason: str) -> None:
    project({name: "hello", "a.py": ""})
    printed = run("a.py", name)
    assert (printed.status, printed.out) == (2, "")
    assert printed.err == f"error: `{name}` cannot be linted: {reason}\n"
    assert run(".").status == 0
    project({"pyproject.toml": f'[tool.bnlint]\nexclude = ["{name}"]\n'})
    assert run("a.py", name).status == 0


def test_a_folder_without_python_is_no_error(project: Write, run: Run) -> None:
    project({"notes.txt": "hello"})
    printed = run(".")
    assert (printed.status, printed.out) == (0, "No Python files to check.\n")
    assert printed.err == "note: there is no Python file in `.`\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.py"], "error: no such file or folder: `no.py`"),
        (["explan", "BN301"], "error: no such file or folder: `explan`; did you mean `explain`?"),
        (["a.py", "--select", "BN99"], "error: unknown rule `BN99` in `--select`"),
        (["a.py", "--ignore", "missing-evl"], "did you mean `missing-eval`?"),
        (["a.py", "--format", "xml"], "error: invalid value for '--format'"),
        (["a.py", "--fail-on", "x"], "error: invalid value for '--fail-on'"),
        (["a.py", "--fux"], "error: no such option"),
        (["a.py", "-"], "error: `-` reads standard input and goes with no other path"),
        (["explain", "BN30l"], "error: no rule `BN30l`; did you mean `BN3"),
        (["explain", "BN999"], "error: no rule `BN999`; "),
        (["a.py", "--select", ""], "error: `--select` names no rule"),
        (["a.py", "--ignore", ", "], "error: `--ignore` names no rule"),
        (["a.py", "--ignore", "BN99"], "error: unknown rule `BN99` in `--ignore`"),
        (
            ["a.py", "--isolated", "--config", "a.toml"],
            "error: `--isolated` and `--config` exclude",
        ),
        (["a.py", "--config", "gone.toml"], "error: cannot read gone.toml"),
        (["a.py", "--output", "no/such/folder.txt"], "error: cannot write `no/such/folder.txt`"),
        (["a.py", "--output", "."], "error: cannot write `.`: it is a folder"),
        ([""], "error: a path is empty"),
    ],
)
def test_misuse_is_one_line_and_status_2(
    project: Write, run: Run, arguments: list[str], message: str
) -> None:
    project({"a.py": BAD})
    printed = run(*arguments)
    assert (printed.status, printed.out) == (2, "")
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_nothing_is_fixed_when_the_report_cannot_be_written(project: Write, run: Run) -> None:
    folder = project({"a.py": BAD})
    assert run("a.py", "--fix", "--output", "no/such/folder.txt").status == 2
    assert (folder / "a.py").read_text() == BAD


def test_the_diff_goes_to_the_output_file(project: Write, run: Run) -> None:
    folder = project({"a.py": BAD})
    printed = run("a.py", "--diff", "--output", "fix.patch")
    assert (printed.status, printed.out) == (1, "")
    assert (folder / "fix.patch").read_text().startswith("--- a/a.py\n+++ b/a.py\n@@")


def test_a_folder_that_may_not_be_read_is_one_line(
    project: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied", "/locked/pyproject.toml")

    project({"a.py": BAD})
    monkeypatch.setattr("bnlint.cli.check.closest", refuse)
    printed = run("a.py")
    assert (printed.status, printed.out) == (2, "")
    assert printed.err == "error: permission denied: `/locked/pyproject.toml`\n"


def test_a_bad_configuration_is_one_line_and_status_2(project: Write, run: Run) -> None:
    project({"a.py": BAD, "pyproject.toml": '[tool.bnlint]\nselect = ["BN1", "BN999"]\n'})
    printed = run("a.py")
    assert printed.status == 2
    assert printed.err.startswith("error: unknown rule `BN999` in /")
    assert printed.err.count("\n") == 1


def test_configuration_is_followed(project: Write, run: Run) -> None:
    project(
        {
            "pyproject.toml": '[tool.bnlint]\nfail-on = "advice"\nexclude = ["/vendor"]\n'
            'ignore = ["BN101"]\nper-file-ignores = {"old_*.py" = ["tensorflow-momentum"]}\n',
            "old_net.py": BAD,
            "net.py": ADVICE,
            "unsafe.py": UNSAFE,
            "vendor/x.py": BAD,
        }
    )
    printed = run(".", "--format", "concise")
    assert printed.status == 1
    assert printed.out.startswith("net.py:2:")
    assert "Found 1 problem (1 advice) in 1 file." in printed.out


def test_per_file_ignores_of_unknown_rules_are_refused(project: Write, run: Run) -> None:
    project({"a.py": BAD, "pyproject.toml": "[tool.bnlint.per-file-ignores]\n'a.py' = ['X1']\n"})
    assert run("a.py").status == 2


def test_an_excluded_file_that_is_named_says_so(project: Write, run: Run) -> None:
    project({"a.py": BAD, "pyproject.toml": "[tool.bnlint]\nexclude = ['a.py']\n"})
    printed = run("a.py")
    assert (printed.status, printed.out) == (0, "No Python files to check.\n")
    assert printed.err.startswith("note: everything named is excluded by /")


@pytest.mark.parametrize(
    ("content", "level", "status"),
    [
        (BAD, "error", 0),
        (BAD, "warning", 1),
        (BAD, "never", 0),
        (ADVICE, "warning", 0),
        (ADVICE, "advice", 1),
        (UNSAFE, "error", 1),
        (UNSAFE, "never", 0),
    ],
)
def test_fail_on_sets_the_bar(
    project: Write, run: Run, content: str, level: str, status: int
) -> None:
    project({"a.py": content})
    printed = run("a.py", "--fail-on", level)
    assert printed.status == status
    assert "Found 1 problem" in printed.out


def test_exit_zero(project: Write, run: Run) -> None:
    project({"a.py": BAD, "b.py": "def f(:\n"})
    assert run(".", "--exit-zero").status == 0
    assert run("no.py", "--exit-zero").status == 2


def test_select_and_ignore(project: Write, run: Run) -> None:
    project({"a.py": BAD, "b.py": UNSAFE})
    assert "in 2 files" in run(".").out
    assert "a.py" not in run(".", "--select", "BN101,BN3").out
    assert "b.py" not in run(".", "--ignore", "eps-given-by-position").out
    assert run(".", "--ignore", "BN101", "--ignore", "BN102").status == 0


def test_the_safe_fixes_are_applied(project: Write, run: Run) -> None:
    root = project({"a.py": BAD, "b.py": UNSAFE})
    printed = run(".", "--fix", "--format", "concise")
    assert printed.status == 1
    assert (root / "a.py").read_text() == FIXED
    assert (root / "b.py").read_text() == UNSAFE
    first, second, *_ = printed.out.splitlines()
    assert first == "Fixed 1 problem in 1 file."
    assert second.startswith("b.py:3:")
    assert run(".", "--fix", "--unsafe-fixes").status == 0
    assert (root / "b.py").read_text() == UNSAFE_FIXED
    assert run(".", "--fix", "--unsafe-fixes", "-q").out == ""


def test_unsafe_fixes_alone_only_mark(project: Write, run: Run) -> None:
    root = project({"b.py": UNSAFE})
    assert run("b.py", "--unsafe-fixes").out.startswith("BN101 [*] ")
    assert (root / "b.py").read_text() == UNSAFE


def test_a_diff_is_shown_and_nothing_changed(project: Write, run: Run) -> None:
    root = project({"a.py": BAD, "b.py": UNSAFE, "c.py": "import torch\ndef f(:\n"})
    printed = run(".", "--diff")
    assert printed.status == 1
    assert printed.out == (
        "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n import torch\n from torch import nn\n"
        "-net = nn.BatchNorm2d(3, momentum=0.99)\n+net = nn.BatchNorm2d(3, momentum=0.01)\n"
    )
    assert "Would fix 1 problem in 1 file." in printed.err
    assert "c.py:2:7: BN000 " in printed.err
    assert (root / "a.py").read_text() == BAD
    assert run("b.py", "--diff").status == 0
    assert run("b.py", "--diff", "--unsafe-fixes").status == 1
    assert run(".", "--diff", "--exit-zero").status == 0


def test_standard_input(project: Write, run: Run) -> None:
    project({"nets.py": "x = 1\n"})
    assert run("-", "--format", "concise", stdin=BAD.encode()).out.startswith("<stdin>:3:")
    named = run("-", "--stdin-filename", "sub/n.py", "--format", "concise", stdin=BAD.encode())
    assert named.out.startswith("sub/n.py:3:")
    assert run("-", stdin=b"").out == f"All clear: 1 file checked.\n{NO_SCRIPT}"
    assert run("-", "--format", "concise", stdin=b"\xff\n").out.startswith(
        "<stdin>:1:1: error BN000 "
    )


def test_fixed_standard_input_goes_to_standard_output(project: Write, run: Run) -> None:
    project({})
    content = b"\xef\xbb\xbf" + BAD.encode().replace(b"\n", b"\r\n")
    printed = run("-", "--fix", stdin=content)
    assert printed.status == 0
    assert printed.out.encode() == content.replace(b"0.99", b"0.01")
    assert "Fixed 1 problem in 1 file." in printed.err
    assert run("-", "--fix", stdin=b"def f(:\n").out == "def f(:\n"


def test_standard_input_can_replace_a_file_of_the_project(project: Write, run: Run) -> None:
    project({"train.py": "import torch\n", "nets.py": BAD})
    code = b"import torch\nfrom nets import net\nnet()\n"
    printed = run("-", "--stdin-filename", "train.py", "--format", "concise", stdin=code)
    assert printed.out.startswith("nets.py:3:")


def test_a_report_may_go_to_a_file(project: Write, run: Run) -> None:
    root = project({"a.py": BAD})
    printed = run("a.py", "--format", "json", "--output", "report.json")
    assert (printed.status, printed.out) == (1, "")
    assert json.loads((root / "report.json").read_text())[0]["rule"] == "BN102"


def test_machine_formats_are_alone_on_standard_output(project: Write, run: Run) -> None:
    project({"a.py": BAD, "b.py": UNSAFE})
    printed = run(".", "--fix", "--format", "json")
    assert [item["rule"] for item in json.loads(printed.out)] == ["BN101"]
    assert printed.err == "Fixed 1 problem in 1 file.\n"
    assert run("a.py", "--format", "json").out == "[]\n"
    assert run("a.py", "--format", "github").out == ""


def test_unused_ignores(project: Write, run: Run) -> None:
    root = project({"a.py": "import torch\nx = 1  # bnlint: ignore[BN301] once\n"})
    assert run("a.py").status == 0
    printed = run("a.py", "--report-unused-ignores")
    assert printed.status == 1
    assert printed.out.startswith("BN002 [*] ")
    assert run("a.py", "--report-unused-ignores", "--fix").status == 0
    assert (root / "a.py").read_text() == "import torch\nx = 1\n"


def test_a_diagnostic_can_be_ignored(project: Write, run: Run) -> None:
    project({"a.py": "import torch\ndef f(:\n"})
    assert run("a.py").status == 1
    assert run("a.py", "--ignore", "BN000").status == 0
    assert run("a.py", "--select", "BN3").status == 1


def test_explain_lists_rules_where_several_are_meant(run: Run) -> None:
    every = run("explain").out
    assert every == run("rules").out
    for prefix in ("bn3", "BN80"):
        some = [line.split()[0] for line in run("explain", prefix).out.splitlines()]
        assert some == [
            "id",
            *(rule for rule in registry.rules() if rule.startswith(prefix.upper())),
        ]
        assert len(some) > 2


def test_explain(run: Run) -> None:
    assert "\n\n*warning, on by default, safe fix*\n\n" in run("explain", "BN301").out
    assert "\n\n*error*\n\n" in run("explain", "BN000").out
    assert run("explain", "BN301").out.startswith("# BN301 missing-eval\n")
    assert run("explain", "missing-eval").out == run("explain", "bn301").out
    assert run("explain", "BN000").out.startswith("# BN000 unreadable-file\n")


def test_rules(run: Run) -> None:
    first, *rest = run("rules").out.splitlines()
    assert first.split() == ["id", "name", "severity", "default", "fix"]
    assert ["BN301", "missing-eval", "warning", "on", "safe"] in [line.split() for line in rest]
    listed = json.loads(run("rules", "--format", "json").out)
    assert len(listed) == len(rest)
    assert set(listed[0]) == {"id", "name", "severity", "default", "fix", "url"}


def test_colour_on_request_only(project: Write, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project({"a.py": BAD})
    assert "\x1b[" not in run("a.py").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[33;1mBN102" in run("a.py").out
    assert "\x1b[" not in run("a.py", "--format", "json").out
    assert run("a.py", "--output", "r.txt").out == ""
    assert "\x1b[" not in Path("r.txt").read_text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("a.py").out


def test_a_defect_of_bnlint_is_one_line(
    project: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("boom")

    monkeypatch.setattr(engine, "lint", broken)
    project({"a.py": BAD})
    printed = run("a.py")
    assert printed.status == 2
    assert printed.err.startswith("error: bnlint stopped with `KeyError: 'boom'` at test_cli.py:")
    assert printed.err.count("\n") == 1


def test_an_interrupt_is_one_line_and_status_130(
    project: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "lint", interrupted)
    project({"a.py": BAD})
    printed = run("a.py")
    assert printed.status == 130
    assert printed.err.strip() == "Interrupted"


def test_progress_is_shown_on_a_terminal_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[int, int]] = []

    class Shown:
        def update(self, task: int, completed: int, total: int) -> None:
            opened.append((completed, total))

        def stop(self) -> None:
            opened.append((-1, -1))

    monkeypatch.setattr(progress, "_open", lambda: (Shown(), 0))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with progress.Bar() as bar:
        bar(1, 4)
        now += 2
        bar(2, 4)
        bar(3, 4)
    assert opened == [(2, 4), (3, 4), (-1, -1)]


def terminal(arguments: list[str], cwd: Path, environment: dict[str, str]) -> str:
    """Run bnlint on a terminal 70 cells wide and return what it shows."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bnlint", *arguments],
        cwd=cwd,
        env=environment | {"COLUMNS": "70", "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    process.wait()
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_broken_lines(
    project: Write, elsewhere: dict[str, str]
) -> None:
    root = project({"a.py": BAD})
    shown = terminal(["a.py"], root, elsewhere)
    assert "\x1b[33;1mBN102\x1b[0m" in shown
    assert shown.splitlines()[1].startswith("      \x1b[1m")
    assert "\x1b[" not in terminal(["a.py"], root, elsewhere | {"NO_COLOR": "1"})


def test_explain_is_laid_out_on_a_terminal(project: Write, elsewhere: dict[str, str]) -> None:
    shown = terminal(["explain", "BN301"], project({}), elsewhere)
    assert "BN301 missing-eval" in shown
    assert "```" not in shown


def test_a_closed_pipe_is_quiet(project: Write, elsewhere: dict[str, str]) -> None:
    root = project({"a.py": BAD + "net = nn.BatchNorm2d(3, momentum=0.99)\n" * 2000})
    process = subprocess.Popen(
        [sys.executable, "-m", "bnlint", "a.py"],
        cwd=root,
        env=elsewhere,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_a_terminal_that_knows_no_unicode(project: Write, elsewhere: dict[str, str]) -> None:
    root = project({"a.py": BAD.replace("\n", "  # é日\n")})
    done = subprocess.run(
        [sys.executable, "-m", "bnlint", "a.py"],
        cwd=root,
        env=elsewhere | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert r"\xe9" in done.stdout


def test_the_module_runs(project: Write, elsewhere: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bnlint", "--version"],
        env=elsewhere,
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == f"bnlint {__version__}"
    assert main.main(["--version"]) == 0


def test_files_are_left_out_by_option(project: Write, run: Run) -> None:
    project({"a.py": BAD, "old/b.py": BAD, "c.py": BAD})
    out = run(".", "--exclude", "old/", "--exclude", "c.*", "--format", "concise").out
    assert out.startswith("a.py:3:")
    assert "Found 1 problem" in out


def test_which_configuration_counts(project: Write, run: Run) -> None:
    ignoring = '[tool.bnlint]\nignore = ["BN102"]\n'
    project({"a.py": BAD, "pyproject.toml": ignoring, "ci/other.toml": "[tool.bnlint]\n"})
    assert run("a.py").status == 0
    assert run("a.py", "--isolated").status == 1
    assert run("a.py", "--config", "ci/other.toml").status == 1
    project({"empty.toml": "", "b/pyproject.toml": ""})
    assert run("a.py", "--config", "empty.toml").status == 1
    printed = run("a.py", "--config", "b/pyproject.toml")
    assert printed.status == 2
    assert printed.err == "error: b/pyproject.toml has no table [tool.bnlint]\n"


def test_findings_are_counted_by_rule(project: Write, run: Run) -> None:
    project({"a.py": BAD, "b.py": BAD, "c.py": UNSAFE})
    assert run(".", "--statistics").out.splitlines()[:4] == [
        "2  BN102  warning  tensorflow-momentum",
        "1  BN101  error    eps-given-by-position",
        "",
        "Found 3 problems (1 error, 2 warnings) in 3 files.",
    ]


def test_a_line_says_how_bad_it_is(project: Write, run: Run) -> None:
    project({"a.py": BAD})
    line = run("a.py", "--format", "concise").out
    assert re.match(r"a\.py:3:\d+: warning BN102 \[\*\] \[tensorflow-momentum\] `", line)


def test_the_help_is_in_groups_that_hold_every_option(run: Run) -> None:
    shown = run("check", "--help").out
    assert shown.index("Fixes:") < shown.index("What to look for:") < shown.index("Report:")
    other = shown.partition("\nOther:\n")[2]
    assert [line.split()[0] for line in other.splitlines() if line.startswith("  -")] == ["-h,"]
    known = {name for names in option_groups.HEADINGS.values() for name in names.split()}
    for command in ("trace", "signal", "timeline"):
        options = {p.name for p in main.commands.commands[command].params}
        assert options - known <= {"target", "paths"}
