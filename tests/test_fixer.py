"""Fixes in memory: which are applied together, when it ends, what is refused."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.finding import Applicability, Edit, Finding, Fix, Severity, Span
from bnlint.lint import fixer
from bnlint.lint.fixer import Settled, edited, settle
from bnlint.source import SourceFile, parse_text

SAFE, UNSAFE = Applicability.SAFE, Applicability.UNSAFE


@dataclass
class Linted:
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, SourceFile] = field(default_factory=dict)


Look = Callable[[str, str], Iterator[Finding]]


def fix_all(
    look: Look, files: Mapping[str, str], allowed: tuple[Applicability, ...] = (SAFE,)
) -> tuple[dict[str, str], Settled[Linted]]:
    """Lint with ``look`` and fix; return the texts afterwards."""

    def lint(texts: Mapping[Path, SourceFile]) -> Linted:
        result = Linted()
        for name, text in files.items():
            file = Path("/nowhere") / name
            source = texts.get(file) or parse_text(text, name, file)
            result.sources[name] = source
            result.findings += look(name, source.content)
        return result

    settled = settle(lint, allowed)
    return dict(files) | {c.before.path: c.after for c in settled.changes}, settled


def finding(start: int, end: int, *edits: Edit, level: Applicability = SAFE) -> Finding:
    span = Span(edits[0].path, start, end, 1, 1, 1, 1)
    return Finding("BN1", "n", Severity.ERROR, "m", span, fix=Fix("t", edits, level))


def replacing(pattern: str, text: str, level: Applicability = SAFE) -> Look:
    def look(path: str, content: str) -> Iterator[Finding]:
        for match in re.finditer(pattern, content):
            edit = Edit(path, match.start(), match.end(), text)
            yield finding(match.start(), match.end(), edit, level=level)

    return look


def test_all_findings_are_fixed() -> None:
    texts, settled = fix_all(replacing("old", "new"), {"a.py": "old = old\n", "b.py": "old\n"})
    assert texts == {"a.py": "new = new\n", "b.py": "new\n"}
    assert settled.fixed == 3
    assert settled.result.findings == []


def test_a_fix_that_is_not_allowed_is_left() -> None:
    texts, settled = fix_all(replacing("old", "new", UNSAFE), {"a.py": "old\n"})
    assert texts == {"a.py": "old\n"}
    assert (settled.fixed, settled.changes) == (0, ())
    assert fix_all(replacing("old", "new", UNSAFE), {"a.py": "old\n"}, (UNSAFE,))[1].fixed == 1


def test_what_appears_after_a_fix_is_fixed_in_the_next_round() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        yield from replacing("one", "two")(path, content)
        yield from replacing("two", "three")(path, content)

    texts, settled = fix_all(look, {"a.py": "one\n"})
    assert texts == {"a.py": "three\n"}
    assert settled.fixed == 2


def test_overlapping_fixes_wait_for_the_next_round() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        yield from replacing("ab", "b")(path, content)
        yield from replacing("bc", "c")(path, content)

    assert fix_all(look, {"a.py": "abc\n"})[0] == {"a.py": "c\n"}


def test_equal_edits_of_two_findings_are_applied_once() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        if "import z" not in content:
            first = Edit(path, 0, 0, "import z\n")
            for match in re.finditer("x", content):
                edit = Edit(path, match.start(), match.end(), "z")
                yield finding(match.start(), match.end(), first, edit)

    texts, settled = fix_all(look, {"a.py": "x + x\n"})
    assert texts == {"a.py": "import z\nz + z\n"}
    assert settled.fixed == 2


def test_a_fix_is_applied_whole_or_not_at_all() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        if path == "a.py" and "old" in content:
            yield finding(0, 3, Edit("a.py", 0, 3, "new"), Edit("b.py", 0, 1, "("))

    texts, settled = fix_all(look, {"a.py": "old\n", "b.py": "x\n"})
    assert texts == {"a.py": "old\n", "b.py": "x\n"}
    assert len(settled.result.findings) == 1


def test_a_fix_over_two_files_is_applied() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        if path == "a.py" and "old" in content:
            yield finding(0, 3, Edit("a.py", 0, 3, "new"), Edit("b.py", 0, 1, "y"))

    texts, _ = fix_all(look, {"a.py": "old\n", "b.py": "x\n"})
    assert texts == {"a.py": "new\n", "b.py": "y\n"}


def test_an_edit_of_an_unknown_file_is_refused() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        if "old" in content:
            yield finding(0, 3, Edit(path, 0, 3, "new"), Edit("other.py", 0, 0, "y"))

    assert fix_all(look, {"a.py": "old\n"})[0] == {"a.py": "old\n"}


@pytest.mark.parametrize("broken", ["(", "f(a=1, a=2)", "return 1"])
def test_a_result_that_python_refuses_is_taken_back(broken: str) -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        yield from replacing("good", "better")(path, content)
        yield from replacing("bad", broken)(path, content)

    texts, settled = fix_all(look, {"a.py": "good\nbad\ngood\n"})
    assert texts == {"a.py": "better\nbad\nbetter\n"}
    assert settled.fixed == 2


def test_a_fix_that_leaves_its_finding_is_taken_back() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        yield from replacing("good", "better")(path, content)
        place = content.index("bad")
        yield finding(place, place + 3, Edit(path, place, place, "# a line\n"))

    texts, settled = fix_all(look, {"a.py": "good\nbad\n"})
    assert texts == {"a.py": "better\nbad\n"}
    assert settled.fixed == 1
    assert [f.span.start for f in settled.result.findings] == [7]


def test_fixes_that_undo_each_other_end() -> None:
    def look(path: str, content: str) -> Iterator[Finding]:
        yield from replacing("left", "right")(path, content)
        yield from replacing("right", "left")(path, content)

    _, settled = fix_all(look, {"a.py": "left\n"})
    assert settled.fixed <= fixer.ROUNDS


def test_edits_of_one_place_keep_their_order() -> None:
    edits = [Edit("a", 1, 1, "x"), Edit("a", 1, 1, "y"), Edit("a", 1, 2, "z"), Edit("a", 0, 1, "")]
    assert edited("abc", edits) == "xyzc"


@pytest.mark.parametrize(("start", "end"), [(0, 2), (2, 4), (3, 2), (1, 3)])
def test_edits_that_overlap_or_lie_outside_are_refused(start: int, end: int) -> None:
    assert edited("abc", [Edit("a", 1, 2, ""), Edit("a", start, end, "x")]) is None


@given(st.text(max_size=20), st.lists(st.tuples(st.integers(0, 20), st.text(max_size=3))))
def test_insertions_keep_all_text(text: str, places: list[tuple[int, str]]) -> None:
    edits = {Edit("a", min(at, len(text)), min(at, len(text)), new) for at, new in places}
    result = edited(text, edits)
    assert result is not None
    assert len(result) == len(text) + sum(len(edit.text) for edit in edits)
