"""Nothing of what is linted acts on a terminal, a log or a workflow, in any format."""

import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnlint.cli.main import main
from bnlint.facts.types.signal import Block, Signal
from bnlint.finding import Applicability, Edit, Evidence, Finding, Fix, Severity, Span
from bnlint.lint.engine import Result
from bnlint.lint.trace_program import Attempt
from bnlint.report import FORMATS, signal_json, signal_table
from bnlint.report.patch import unified
from bnlint.style import Style
from bnlint.tracer.record.records import CallRecord, TraceRecord
from bnlint.visible import pictured, visible
from tests.attacks.limited import run
from tests.pace import is_within

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
COMMAND = re.compile(r"^\s*::[\w-]+[ :]|##\[|##vso\[", re.MULTILINE)
ACTING = (
    *("\n", "\r", "\r\n", "\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\x00", "\b", "\t", "\x7f"),
    *("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\u202e", "\u2066", "\u200b", "\ufeff", "\ud800"),
    *("\udcff", "\U000e0041", "\ufffe", "::error ::x", "\n::set-output name=a::b", " ::debug::y"),
    *(
        "##[error]z",
        "##vso[task.setvariable x]",
        "%0A::stop-commands::t",
        "\u3000",
        "日本",
        "e\u0301",
    ),
)
hostile = st.lists(
    st.sampled_from(ACTING) | st.text(max_size=5) | st.characters(), min_size=1, max_size=4
).map("".join)
numbers = st.integers(1, 5)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    path, line = draw(st.sampled_from(["a.py", draw(hostile)])), draw(numbers)
    span = Span(path, 0, 1, line, draw(numbers), line, draw(numbers))
    evidence = draw(st.lists(st.builds(Evidence, st.just(span), hostile), max_size=2))
    edit = Edit(path, 0, 0, draw(hostile))
    fix = draw(st.none() | st.builds(Fix, hostile, st.just((edit,)), st.just(Applicability.SAFE)))
    message, layer = draw(hostile), draw(hostile)
    return Finding(
        "BN301", "missing-eval", Severity.ERROR, message, span, layer, tuple(evidence), fix
    )


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    words = tuple(draw(st.lists(hostile, max_size=2)))
    calls = (CallRecord("batch norm", draw(hostile)),)
    record = TraceRecord(
        draw(hostile), calls=calls, inputs=words, never_called=words, notes=words, problems=words
    )
    span = Span(draw(hostile), 0, 0, 1, 1, 1, 1)
    return Attempt(
        draw(hostile), span, record=record, refused=tuple((w, None) for w in words), lacks=words
    )


@st.composite
def results(draw: st.DrawFn) -> Result:
    found = tuple(draw(st.lists(findings(), max_size=3)))
    code = "\n".join(draw(hostile) for _ in range(6))
    texts = {finding.span.path: code for finding in found}
    tried = tuple(draw(st.lists(attempts(), max_size=2)))
    return Result(found, {}, texts, len(texts), tried, draw(st.sampled_from([None, (), found])))


def inert(text: str) -> None:
    """Assert that only line ends are left of what could act."""
    for character in text:
        shown = character.isprintable() or unicodedata.category(character) == "Zs"
        assert character == "\n" or shown, repr(character)


looks = st.builds(Style, st.booleans(), st.sampled_from([None, 40, 100]))
slow = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@slow
@given(st.sampled_from(sorted(FORMATS)), results(), looks)
def test_every_format_is_inert(form: str, result: Result, look: Style) -> None:
    shown = FORMATS[form](result, look)
    plain = COLOURS.sub("", shown) if look.colour else shown
    inert(plain.replace("\t", "") if form == "html" else plain)  # a page keeps the tabs of code
    if form == "github":
        lines = shown.splitlines()
        assert len(lines) == len(result.findings)
        assert all(line.startswith("::error file=") for line in lines)
        assert "##[" not in shown
    else:
        assert not COMMAND.search(plain)
    if form == "json":
        assert [one["message"] for one in json.loads(shown)] == [
            finding.message for finding in result.findings
        ]


@slow
@given(hostile, st.lists(hostile, min_size=1, max_size=2), looks)
def test_the_table_of_a_signal_is_inert(name: str, words: list[str], look: Style) -> None:
    block = Block(name, 0, 1, False, None, 0.0, 1.0, 1.0, 1.0, path=name, line=1, samples=9)
    signal = Signal(name, tuple(words), (block,), problems=tuple(words))
    shown = COLOURS.sub("", signal_table.text(signal, look))
    inert(shown)
    assert not COMMAND.search(shown)
    as_json = signal_json.text(signal)
    inert(as_json)
    assert not COMMAND.search(as_json)
    assert json.loads(as_json)["model"] == name


@given(hostile)
def test_what_is_made_visible_stays_readable(text: str) -> None:
    inert(visible(text))
    assert "\n" not in visible(text)
    inert(pictured(text).replace("\t", ""))
    assert len(pictured(text)) == len(text)
    if text.isascii() and text.isprintable() and not COMMAND.search(text) and " ::" not in text:
        assert visible(text) == text


@pytest.mark.parametrize("text", ["x[::2]", "x[:, ::2]", "a::b", "é日本", "`q::error`", "# #[x]"])
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert visible(text) == pictured(text) == text


HOSTILE_FILES = {
    "newline": "a\n::error ::b.py",
    "command": "::set-output name=a::b.py",
    "title": "\x1b]0;x\x07.py",
    "bidi": "\u202egnp.py",
    "bytes": os.fsdecode(b"\xff.py"),
    "quotes": 'a"b\\c.py',
    "letters": "é.py",
}
SCRIPT = """
import torch
from torch import nn

name = "q\\n::set-env name=X::y\\x1b[2J"
net = nn.Sequential()
net.add_module(name, nn.Conv2d(3, 8, 3))
net.add_module("norm", nn.BatchNorm2d(9))
net(torch.rand(2, 3, 8, 8))
nn.BatchNorm2d(3, momentum=0.9)
"""


def lint(folder: Path, *arguments: str) -> str:
    outcome = run(folder, *arguments)
    assert outcome.status in (0, 1), outcome.err
    return outcome.out + outcome.err


@pytest.mark.skipif(sys.platform != "linux", reason="names as Linux has them")
def test_names_of_files_and_layers_reach_no_log_as_they_are(tmp_path: Path) -> None:
    for name in HOSTILE_FILES.values():
        (tmp_path / name).write_text(SCRIPT)
    for form in ("text", "concise", "json"):
        shown = lint(tmp_path, ".", "--select", "ALL", "--format", form)
        assert "BN203" in shown
        inert(shown)
        assert not COMMAND.search(shown)


@pytest.mark.skipif(sys.platform != "linux", reason="names as Linux has them")
def test_git_applies_the_diff_of_files_with_any_name(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in HOSTILE_FILES.values():
        (tmp_path / name).write_text(SCRIPT)
    main(["check", str(tmp_path), "--diff", "--output", str(tmp_path / "patch")])
    patch = (tmp_path / "patch").read_text()
    (tmp_path / "patch").write_text(re.sub(rf"([ab]){re.escape(str(tmp_path))}", r"\1", patch))
    subprocess.run(["git", "apply", "patch"], cwd=tmp_path, check=True)
    for name in HOSTILE_FILES.values():
        assert "momentum=0.1)" in (tmp_path / name).read_text()


@given(hostile.map(lambda text: text.replace("\0", "").replace("\ud800", "")))
def test_the_names_in_a_diff_are_one_line_of_ascii(name: str) -> None:
    first, second, *_ = unified(name, "a\n", "b\n").split("\n")
    assert first.startswith(("--- a/", '--- "a/'))
    assert second.startswith(("+++ b/", '+++ "b/'))
    assert first.isascii()
    inert(first.rstrip("\t"))


def test_a_diff_on_a_terminal_shows_no_escapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text(SCRIPT.replace("0.9)", "0.9)  # \x1b[2J\u202e"))
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["check", str(tmp_path / "a.py"), "--diff"]) == 1
    terminal.flush()
    shown = terminal.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "+nn.BatchNorm2d" in shown
    inert(shown)


@pytest.mark.parametrize(
    "arguments",
    [
        ("\x1b[31m\u202e.py",),
        ("a.py", "--select", "\x1b]0;x\x07"),
        ("trace", "a.py:\x1b[2J"),
        ("explain", "##[error]x"),
        ("a.py", "--fromat=##vso[x]"),
    ],
)
def test_errors_are_inert(arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capfd.readouterr().err
    inert(said)
    assert said.count("\n") == 1
    assert not COMMAND.search(said)


HOSTILE_NAMES = (
    "\x1b[2J\u202e",
    "$\\\\frac{$",
    "<b>&--></b>",
    "##[error]x",
    "::error ::x",
    "n" * 5_000,
)
REHEARSED = """
import torch
from torch import nn
loaders = {"\x1b]0;x\x07": torch.utils.data.DataLoader(data)}
nets = {NETS}
for x in loaders["\x1b]0;x\x07"]:
    if x == "\x1b[2J":
        nets["##[error]x"].eval()
"""


def rehearsed() -> str:
    """A script whose models and loaders have names as they stand in the code."""
    nets = ", ".join(f'"{name}": nn.Sequential(nn.BatchNorm2d(3))' for name in HOSTILE_NAMES)
    calls = "".join(f'    nets["{name}"](x)\n' for name in HOSTILE_NAMES)
    return REHEARSED.replace("NETS", nets) + calls


@pytest.mark.skipif(sys.platform != "linux", reason="names as Linux has them")
@pytest.mark.parametrize("file", ["train.py", "$\\frac{$.py", "a\n::error ::x\x1b[2J.py"])
def test_timelines_are_inert(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text(rehearsed())
    for form in ("text", "json"):
        shown = lint(tmp_path, "timeline", f"./{file}", "--format", form)
        assert "1 BatchNorm layer" in shown
        inert(shown)
        assert not COMMAND.search(shown)


@pytest.mark.skipif(sys.platform != "linux", reason="names as Linux has them")
@pytest.mark.parametrize("file", ["train.py", "$\\frac{$.py"])
def test_pictures_of_timelines_are_inert(tmp_path: Path, file: str) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / file).write_text(rehearsed())
    outcome = run(tmp_path, "timeline", f"./{file}", "--plot", "a.svg", memory=4 << 30)
    assert outcome.status == 0
    assert outcome.err == "Wrote a.svg.\n"
    picture = (tmp_path / "a.svg").read_text()
    inert(picture)
    ElementTree.fromstring(picture)
    assert "<b>" not in picture


@pytest.mark.parametrize(
    "code",
    [
        "m = nn.Sequential(nn.BatchNorm2d(3))\n" + "m(x)\nm.eval()\nm.train()\n" * 900,
        "".join(f"m{n} = nn.Sequential(nn.BatchNorm2d(3))\nm{n}(x)\n" for n in range(300)),
        "m = nn.Sequential(nn.BatchNorm2d(3))\nfor x in q.x:\n"
        + "    m(x)\n" * 2_500
        + "    m.eval()\n",
    ],
    ids=["events", "models", "passes"],
)
def test_pictures_of_much_cost_little(tmp_path: Path, code: str) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "train.py").write_text(f"import q, torch\nfrom torch import nn\nx = q.x\n{code}")
    outcome = run(tmp_path, "timeline", "train.py", "--plot", "a.png", memory=4 << 30)
    assert outcome.status == 0
    assert is_within(outcome.seconds, 15)
    assert outcome.peak < 1 << 30
