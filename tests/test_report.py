"""How findings are shown."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from bnlint.finding import Applicability, Edit, Evidence, Finding, Fix, Severity, Span
from bnlint.lint.engine import Result
from bnlint.report import FORMATS
from bnlint.report.cells import Cells
from bnlint.report.patch import unified
from bnlint.source.line_index import Lines
from bnlint.style import Style

TRAIN = "import torch\n\n\ndef validate(net, loader):\n\tfor x in loader:\n\t\tnet(x)\n"
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": (
            "rule name severity message path line column end_line end_column layer evidence fix url"
        ).split(),
        "properties": {
            "rule": {"type": "string", "pattern": r"^BN\d{3}$"},
            "name": {"type": "string"},
            "severity": {"enum": ["error", "warning", "advice"]},
            "message": {"type": "string"},
            "path": {"type": "string"},
            "line": {"type": "integer", "minimum": 1},
            "column": {"type": "integer", "minimum": 1},
            "end_line": {"type": "integer", "minimum": 1},
            "end_column": {"type": "integer", "minimum": 1},
            "layer": {"type": ["string", "null"]},
            "evidence": {
                "type": "array",
                "items": {
                    "type": "object",
                    "maxProperties": 3,
                    "required": ["path", "line", "message"],
                },
            },
            "fix": {
                "type": ["object", "null"],
                "maxProperties": 3,
                "required": ["title", "applicability", "edits"],
                "properties": {
                    "title": {"type": "string"},
                    "applicability": {"enum": ["safe", "unsafe", "display"]},
                    "edits": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "maxProperties": 4,
                            "required": ["path", "start", "end", "text"],
                        },
                    },
                },
            },
            "url": {"type": "string", "pattern": "^https://"},
        },
    },
}


def span(text: str, code: str, path: str = "train.py") -> Span:
    start = text.index(code)
    places = (start, start + len(code))
    return Span(
        path,
        *places,
        *Lines.of(text).place(places[0]),
        *Lines.of(text).place(places[1]),
    )


def finding(
    place: Span,
    *edits: Edit,
    level: Applicability = Applicability.SAFE,
    severity: Severity = Severity.WARNING,
    message: str = "`net` is evaluated in train mode",
    evidence: tuple[Evidence, ...] = (),
    likely: bool = False,
) -> Finding:
    fix = Fix("Call `net.eval()` first", edits, level) if edits else None
    return Finding("BN301", "missing-eval", severity, message, place, None, evidence, fix, likely)


def result(*findings: Finding, **texts: str) -> Result:
    named = {name.replace("_", "."): text for name, text in texts.items()}
    return Result(findings, {}, named, len(named))


def text_of(*findings: Finding, look: Style | None = None, **texts: str) -> str:
    return FORMATS["text"](result(*findings, **texts), look or Style())


def test_a_finding_in_full() -> None:
    main = "from train import validate\nvalidate(net, loader)\n"
    edit = Edit("train.py", TRAIN.index("\tfor"), TRAIN.index("\tfor"), "\tnet.eval()\n")
    proof = (
        Evidence(span(main, "validate(net, loader)", "main.py"), "`validate` is called from here"),
        Evidence(span(TRAIN, "loader:"), "the loader is the one of the tests"),
    )
    shown = text_of(
        finding(span(TRAIN, "net(x)"), edit, evidence=proof), train_py=TRAIN, main_py=main
    )
    assert (
        shown
        == """\
BN301 [*] `net` is evaluated in train mode
 --> train.py:6:3
  |
4 | def validate(net, loader):
5 |     for x in loader:
6 |         net(x)
  |         ^^^^^^
  |
  = note: main.py:2:1: `validate` is called from here
2 | validate(net, loader)
  | ^^^^^^^^^^^^^^^^^^^^^
  = note: train.py:5:11: the loader is the one of the tests
help: Call `net.eval()` first
  |
4 | def validate(net, loader):
5 +     net.eval()
6 |     for x in loader:
7 |         net(x)
  |
  = explain: bnlint explain BN301 (warning, missing-eval)

Found 1 problem (1 warning) in 1 file.
[*] 1 fixable with --fix.
"""
    )


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first() -> None:
    text = "a = 1\nnet = f(\n    1,\n)\nb = 2\n"
    shown = text_of(finding(span(text, "f(\n    1,\n)")), train_py=text)
    assert "2 | net = f(\n  |       ^^\n3 |     1,\n4 | )\n" in shown


def test_wide_and_combining_characters_and_tabs_are_measured() -> None:
    text = "s = '日本e\u0301'\t; net(x)\n"
    shown = text_of(finding(span(text, "net(x)")), train_py=text).splitlines()
    code, carets = shown[3], shown[4]
    columns = sum(Cells.of(code[: code.index("net")]).starts[-1:])
    assert carets.index("^") == columns == 18
    assert carets.strip("| ") == "^^^^^^"


def test_characters_that_act_on_a_terminal_are_replaced() -> None:
    text = "s = '\x1b[31m\u202e'; net(x)\n"
    shown = text_of(finding(span(text, "net(x)")), train_py=text)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize("place", [0, 900, 1990])
def test_a_very_long_line_is_cut_around_the_carets(place: int) -> None:
    text = "x" * place + "net(x)" + "y" * (2000 - place) + "\n"
    shown = text_of(finding(span(text, "net(x)")), train_py=text).splitlines()
    code, carets = shown[3], shown[4]
    assert len(code) <= 170
    at = carets.index("^")
    assert code[at : at + 6] == "net(x)"
    assert carets.count("^") == 6


def test_a_place_without_text_has_no_frame() -> None:
    shown = text_of(finding(Span("gone.py", 0, 0, 7, 1, 7, 1)))
    assert shown.splitlines()[:3] == [
        "BN301 `net` is evaluated in train mode",
        " --> gone.py:7:1",
        "  = explain: bnlint explain BN301 (warning, missing-eval)",
    ]


def test_how_a_fix_is_applied_is_said() -> None:
    edit = Edit("train.py", 0, 6, "export")
    place = span(TRAIN, "net(x)")
    for level, words in (
        (Applicability.UNSAFE, "first (unsafe: applied with --fix --unsafe-fixes)"),
        (Applicability.DISPLAY, "first (a suggestion that --fix does not apply)"),
    ):
        shown = text_of(finding(place, edit, level=level), train_py=TRAIN)
        assert words in shown
        assert "BN301 `net`" in shown
    both = Style(allowed=(Applicability.SAFE, Applicability.UNSAFE))
    unsafe = finding(place, edit, level=Applicability.UNSAFE)
    assert "BN301 [*] `net`" in text_of(unsafe, look=both, train_py=TRAIN)


def test_a_fix_in_another_file_names_it() -> None:
    other = "a = 1\nb = 2\n"
    shown = text_of(
        finding(span(TRAIN, "net(x)"), Edit("other.py", 6, 7, "c")), train_py=TRAIN, other_py=other
    )
    assert " --> other.py\n  |\n1 | a = 1\n  - b = 2\n2 + c = 2\n  |\n" in shown


def test_edits_far_apart_are_shown_apart() -> None:
    text = "".join(f"x{number} = 1\n" for number in range(1, 30))
    edits = [
        Edit("train.py", 0, 0, "import y\n"),
        Edit("train.py", text.index("x20"), text.index("x21"), ""),
    ]
    shown = text_of(finding(span(text, "x9"), *edits), train_py=text)
    assert " 1 + import y\n 2 | x1 = 1\n" in shown
    assert "20 | x19 = 1\n   - x20 = 1\n21 | x21 = 1\n" in shown


def test_long_messages_are_broken_at_the_terminal_only() -> None:
    message = "`net` " + "is evaluated in train mode " * 10
    item = finding(span(TRAIN, "net(x)"), message=message.strip())
    assert text_of(item, train_py=TRAIN).splitlines()[0] == f"BN301 {message.strip()}"
    narrow = text_of(item, look=Style(width=60), train_py=TRAIN)
    assert max(len(line) for line in narrow.splitlines()) <= 60
    assert narrow.splitlines()[1].startswith("      ")


def test_a_narrow_terminal_shows_what_a_fix_changes_and_the_whole_reason() -> None:
    line = "loader = DataLoader(dataset, batch_size=8, num_workers=4, drop_last=True)\n"
    edit = Edit("a.py", line.index(")"), line.index(")"), ", shuffle=True")
    item = finding(span(line, "DataLoader", "a.py"), edit)
    shown = text_of(item, look=Style(width=50), a_py=line)
    assert "drop_last=True, shuffle=True)" in shown
    assert "loader = DataLoader(" in shown
    assert "BN301 (warning,\n" in shown
    assert "missing-eval)" in shown


def test_colours_change_nothing_else() -> None:
    item = finding(span(TRAIN, "net(x)"), Edit("train.py", 0, 6, "export"), severity=Severity.ERROR)
    coloured = text_of(item, look=Style(colour=True), train_py=TRAIN)
    assert "\x1b[31;1mBN301\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == text_of(item, train_py=TRAIN)


def test_the_summary_counts() -> None:
    place = span(TRAIN, "net(x)")
    safe = finding(place, Edit("train.py", 0, 1, ""), severity=Severity.ERROR)
    unsafe = finding(place, Edit("train.py", 0, 1, ""), level=Applicability.UNSAFE)
    other = finding(Span("b.py", 0, 0, 1, 1, 1, 1), severity=Severity.ADVICE)
    shown = FORMATS["concise"](result(safe, unsafe, unsafe, other), Style()).splitlines()
    assert shown[-2:] == [
        "Found 4 problems (1 error, 2 warnings, 1 advice) in 2 files.",
        "[*] 1 fixable with --fix (2 more with --unsafe-fixes).",
    ]
    shown = FORMATS["concise"](result(unsafe), Style()).splitlines()
    assert shown[-2:] == [
        "Found 1 problem (1 warning) in 1 file.",
        "[*] 1 fixable with --fix --unsafe-fixes.",
    ]
    assert FORMATS["text"](result(a_py=""), Style()) == "All clear: 1 file checked.\n"
    assert FORMATS["text"](result(), Style()) == "No Python files to check.\n"


def test_concise_is_one_line_each() -> None:
    items = [
        finding(span(TRAIN, "net(x)"), Edit("train.py", 0, 1, "")),
        finding(span(TRAIN, "net(x)"), likely=True),
    ]
    assert FORMATS["concise"](result(*items), Style()).splitlines()[:2] == [
        "train.py:6:3: warning BN301 [*] [missing-eval] `net` is evaluated in train mode",
        "train.py:6:3: warning BN301 [missing-eval] Likely: `net` is evaluated in train mode",
    ]


def test_json_follows_its_schema() -> None:
    proof = (Evidence(span(TRAIN, "loader:"), "here"),)
    items = [
        finding(span(TRAIN, "net(x)"), Edit("train.py", 0, 1, "é"), evidence=proof),
        finding(span(TRAIN, "net(x)"), severity=Severity.ADVICE),
    ]
    loaded = json.loads(FORMATS["json"](result(*items), Style()))
    jsonschema.validate(loaded, SCHEMA)
    assert loaded[0] == {
        "rule": "BN301",
        "name": "missing-eval",
        "severity": "warning",
        "message": "`net` is evaluated in train mode",
        "path": "train.py",
        "line": 6,
        "column": 3,
        "end_line": 6,
        "end_column": 9,
        "layer": None,
        "evidence": [{"path": "train.py", "line": 5, "message": "here"}],
        "fix": {
            "title": "Call `net.eval()` first",
            "applicability": "safe",
            "edits": [{"path": "train.py", "start": 0, "end": 1, "text": "é"}],
        },
        "url": "https://github.com/bnlint/bnlint/blob/main/rules/BN301.md",
    }
    assert json.loads(FORMATS["json"](result(), Style())) == []


def test_github_commands_are_escaped() -> None:
    place = Span("a,b:c%.py", 0, 0, 2, 3, 4, 5)
    item = finding(place, severity=Severity.ADVICE, message="50 % is\ntoo: much, really")
    assert FORMATS["github"](result(item), Style()) == (
        "::notice file=a%2Cb%3Ac%25.py,line=2,endLine=4,col=3,title=BN301 missing-eval::"
        "a,b:c%25.py:2:3: BN301 50 %25 is\\ntoo: much, really\n"
    )
    for severity, command in ((Severity.ERROR, "error"), (Severity.WARNING, "warning")):
        text = FORMATS["github"](result(finding(place, severity=severity)), Style())
        assert text.startswith(f"::{command} file=")


def test_patches_name_files_as_patch_reads_them() -> None:
    assert unified("a b.py", "x\n", "y\n").startswith("--- a/a b.py\t\n+++ b/a b.py\t\n@@")
    assert unified("/tmp/a.py", "x\n", "y\n").startswith("--- a/tmp/a.py\n+++ b/tmp/a.py\n@@")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\r\nb\r\n", "a\r\nnew\r\nb\r\n"),
        ("a\nb", "a\nb2"),
        ("a\n", "a\nb"),
        ("x = '\x0c\u2028'\n", "y = '\x0c\u2028'\n"),
    ],
)
def test_git_applies_the_unified_diff(tmp_path: Path, before: str, after: str) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    (tmp_path / "a.py").write_bytes(before.encode())
    (tmp_path / "a.diff").write_bytes(unified("a.py", before, after).encode())
    subprocess.run(["git", "apply", "a.diff"], cwd=tmp_path, check=True)
    assert (tmp_path / "a.py").read_bytes() == after.encode()
