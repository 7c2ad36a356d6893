"""Which comments silence which findings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.finding import Finding, Severity, Span
from bnlint.lint import fixer, suppress

NAMES = {"BN201": "bias-before-batchnorm", "BN301": "missing-eval"}


def found(*places: tuple[int, str]) -> list[Finding]:
    return [
        Finding(rule, NAMES[rule], Severity.WARNING, "m", Span("a.py", 0, 1, line, 1, line, 2))
        for line, rule in places
    ]


def left(text: str, *places: tuple[int, str]) -> list[tuple[int, str]]:
    kept = suppress.apply(found(*places), {"a.py": suppress.read(text)}).left
    return [(finding.span.line, finding.rule) for finding in kept]


def unused(text: str, *places: tuple[int, str]) -> list[Finding]:
    ignores = suppress.read(text)
    used = suppress.apply(found(*places), {"a.py": ignores}).used
    return list(suppress.unused("a.py", ignores, used, lambda word: True))


@pytest.mark.parametrize(
    "comment",
    [
        "# bnlint: ignore[BN301]",
        "# bnlint: ignore[BN301] the discriminator stays in train mode",
        "#bnlint:ignore[BN301]",
        "# bnlint: ignore [ BN201 , BN301 ]",
        "# bnlint: ignore[missing-eval]",
        "# bnlint: ignore[BN3]",
        "# bnlint: ignore[ALL]",
        "# bnlint: ignore",
        "# type: ignore  # bnlint: ignore[BN301]",
        "# noqa: BN301",
        "# noqa:E501,BN301",
        "# noqa: E501 BN301",
        "# NOQA: bn301",
        "# noqa",
    ],
)
def test_a_comment_at_the_end_of_the_line_silences(comment: str) -> None:
    assert left(f"x = f(1)  {comment}\n", (1, "BN301")) == []


@pytest.mark.parametrize(
    "line",
    [
        "x = f(1)  # bnlint: ignore[BN201]",
        "x = f(1)  # bnlint: ignore[]",
        "x = f(1)  # bnlint: ignored",
        "x = f(1)  # noqa: E501",
        "x = '# bnlint: ignore[BN301]'",
        'x = """# noqa"""',
        "x = f'{y}# noqa'",
        "x = f(1)  # see noqa.py",
    ],
)
def test_what_is_not_about_the_finding_does_not(line: str) -> None:
    assert left(f"{line}\n", (1, "BN301")) == [(1, "BN301")]


def test_a_comment_above_a_statement_covers_all_its_lines() -> None:
    text = "# bnlint: ignore[BN201]\nx = f(\n    1,\n    2,\n)\ny = 1\n"
    assert left(text, (2, "BN201"), (4, "BN201"), (6, "BN201")) == [(6, "BN201")]


def test_several_comments_above_a_statement_all_count() -> None:
    text = "# bnlint: ignore[BN201]\n# because of checkpoints\n# bnlint: ignore[BN301]\nx = 1\n"
    assert left(text, (4, "BN201"), (4, "BN301")) == []


def test_an_empty_line_ends_the_reach_of_a_comment() -> None:
    assert left("# bnlint: ignore[BN201]\n\nx = 1\n", (3, "BN201")) == [(3, "BN201")]


def test_a_comment_above_decorators_reaches_the_def_but_not_the_body() -> None:
    text = "# bnlint: ignore[BN301]\n@a\n@b(\n  1)\ndef f():\n    pass\n"
    assert left(text, (3, "BN301"), (5, "BN301"), (6, "BN301")) == [(6, "BN301")]


def test_a_comment_above_a_loop_is_about_its_header() -> None:
    text = "# bnlint: ignore[BN301]\nfor x in y:\n    f(x)\n"
    assert left(text, (2, "BN301"), (3, "BN301")) == [(3, "BN301")]


def test_a_comment_on_any_line_covers_the_statement() -> None:
    text = "x = f(\n    1,\n)  # bnlint: ignore[BN201]\n"
    assert left(text, (1, "BN201"), (2, "BN201")) == []


def test_inside_a_statement_the_line_itself_comes_first() -> None:
    text = "x = f(\n    1,  # bnlint: ignore[BN201]\n    2,\n)\n"
    assert left(text, (2, "BN201"), (3, "BN201")) == [(3, "BN201")]


def test_alone_inside_a_statement_it_is_about_the_next_line() -> None:
    text = "x = f(\n    # bnlint: ignore[BN201]\n    1,\n    2,\n)\n"
    assert left(text, (3, "BN201"), (4, "BN201")) == [(4, "BN201")]


def test_a_bare_noqa_is_about_its_own_line() -> None:
    text = "x = f(  # noqa\n    1,\n)\n"
    assert left(text, (1, "BN201"), (2, "BN201")) == [(2, "BN201")]


def test_a_noqa_on_a_line_of_its_own_means_nothing() -> None:
    assert left("# noqa: BN201\nx = 1\n", (2, "BN201")) == [(2, "BN201")]


def test_skip_file_silences_the_file() -> None:
    text = "x = 1\n# bnlint: skip-file\n"
    assert left(text, (1, "BN201")) == []
    assert left('"""# bnlint: skip-file"""\n', (1, "BN201")) == [(1, "BN201")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_endings_count(end: str) -> None:
    text = end.join(["x = 1", "# bnlint: ignore[BN201]", "y = '''", "'''", "z = 1", ""])
    assert left(text, (3, "BN201"), (5, "BN201")) == [(5, "BN201")]


def test_what_cannot_be_tokenized_keeps_the_comments_before_it() -> None:
    assert left("x = 1  # noqa: BN201\ny = (\n", (1, "BN201")) == []


def test_unused_comments_are_found_and_taken_away() -> None:
    text = (
        "x = 1  # bnlint: ignore[BN201] why\n# bnlint: ignore[BN301]\ny = 1\n"
        "z = 1  # bnlint: ignore[BN201, missing-eval]\nw = 1  # keep  # bnlint: ignore[BN999]\n"
        "v = 1  # noqa: BN201\nu = 1  # noqa: E501\nt = 1  # noqa\n"
    )
    reported = unused(text, (4, "BN301"))
    assert [finding.span.line for finding in reported] == [1, 2, 4, 5, 6]
    edits = [edit for finding in reported if finding.fix for edit in finding.fix.edits]
    assert fixer.edited(text, edits) == (
        "x = 1\ny = 1\nz = 1  # bnlint: ignore[missing-eval]\nw = 1  # keep  \n"
        "v = 1  # noqa: BN201\nu = 1  # noqa: E501\nt = 1  # noqa\n"
    )


def test_used_comments_are_not_reported() -> None:
    text = "x = 1  # bnlint: ignore[BN201]\n# bnlint: ignore\ny = 1\nz = 1  # noqa: BN301\n"
    assert unused(text, (1, "BN201"), (3, "BN201"), (4, "BN301")) == []


@given(st.text(alphabet="#bnlint: ignore[BN301]\"'\\\n\r\t ()é\x0c", max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    for ignore in suppress.read(f"noqa{text}# bnlint: ignore[BN301]").comments:
        assert ignore.start < ignore.end
