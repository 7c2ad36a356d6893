"""Every code block of every rule page and every case file does what its section says."""

import csv
from itertools import zip_longest
from pathlib import Path

import pytest

from bnlint import pages, registry
from bnlint.finding import Applicability
from bnlint.pages import Example, Page
from bnlint.rule import Rule
from tests import fixing
from tests.traced_examples import traced

TESTS = Path(__file__).parent
CASES = sorted((TESTS / "cases").glob("*.md"))
FILES = [*sorted(pages.DIRECTORY.glob("BN*.md")), *CASES]
PAGES = {path: pages.parse(path.read_text(encoding="utf-8")) for path in FILES}
CATALOGUE = {
    row["id"]: row for row in csv.DictReader((TESTS / "catalogue.csv").open(encoding="utf-8"))
}


def label(path: Path, example: Example | None) -> str:
    assert example is not None
    where = example.heading.replace(" ", "_") or f"line_{example.line}"
    folder = "cases/" if path in CASES else ""
    return f"{folder}{path.stem}-{example.section}-{where}"


def rule_of(path: Path) -> Rule:
    return registry.rules()[PAGES[path].title.split()[0]]


def blocks(*sections: str, run: bool = False) -> list[object]:
    return [
        pytest.param(path, example, id=label(path, example))
        for path, page in PAGES.items()
        for example in page.examples
        if example.section in sections and (example.run or not run)
    ]


def pairs() -> list[object]:
    return [
        pytest.param(path, bad, fixed, id=label(path, bad or fixed))
        for path, page in PAGES.items()
        for bad, fixed in paired(page)
        if (bad or fixed).trace is None
    ]


def paired(page: Page) -> list[tuple[Example | None, Example | None]]:
    """Each Bad block with the Fixed one of its heading or, without headings, of its number."""
    bad, fixed = page.of("Bad"), page.of("Fixed")
    if not any(example.heading for example in fixed):
        return list(zip_longest(bad, fixed))
    bad_named = {example.heading: example for example in bad}
    fixed_named = {example.heading: example for example in fixed}
    headings = dict.fromkeys([*bad_named, *fixed_named])
    return [(bad_named.get(heading), fixed_named.get(heading)) for heading in headings]


@pytest.mark.parametrize(("path", "example"), blocks("Bad", "Good", "Fixed"))
def test_a_block_reports_exactly_its_marks(path: Path, example: Example, tmp_path: Path) -> None:
    assert bool(example.expected) == (example.section == "Bad")
    if example.trace is not None:
        found = traced(example, rule_of(path).id, tmp_path)
    else:
        found = list(fixing.lint(example.code, rule_of(path).id))
    assert sorted((f.span.line, f.rule) for f in found) == sorted(example.expected), found


@pytest.mark.parametrize(("path", "bad", "fixed"), pairs())
def test_fixes_turn_bad_into_fixed(path: Path, bad: Example | None, fixed: Example | None) -> None:
    assert bad is not None, "no Bad block goes with this Fixed block"
    after = fixing.fix(bad.code, rule_of(path).id).after
    assert after == (fixed or bad).code  # a Bad block without a Fixed one has no fix
    if fixed is not None and rule_of(path).fix is Applicability.SAFE:
        safely = fixing.fix(bad.code, rule_of(path).id, (Applicability.SAFE,)).after
        assert (safely != after) == fixed.unsafe


@pytest.mark.parametrize(("path", "example"), blocks("Fixed", "Good", run=True))
def test_code_marked_so_runs(
    path: Path, example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some write files
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # the tensors are tiny
    torch.manual_seed(0)
    exec(compile(example.code, f"{path}:{example.line}", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("rule_id", registry.rules())
def test_a_rule_and_its_page_agree(rule_id: str) -> None:
    rule = registry.rules()[rule_id]
    page = pages.parse(pages.text(rule_id))
    assert page.title == f"{rule.id} {rule.name}"
    assert list(page.sections) == [name for name in pages.SECTIONS if name in page.sections]
    assert {"Why", "Bad", "Good"} <= set(page.sections)
    assert ("Fixed" in page.sections) == (rule.fix is not None)
    assert rule.fix is not Applicability.UNSAFE or "Fix safety" in page.sections
    assert rule.fix is not None or "Fix safety" not in page.sections
    assert page.of("Bad")
    assert page.of("Good")


@pytest.mark.parametrize("rule_id", registry.rules())
def test_a_rule_is_what_the_catalogue_says(rule_id: str) -> None:
    rule = registry.rules()[rule_id]
    row = CATALOGUE[rule_id]
    assert rule.name == row["name"]
    assert rule.severity.label in row["severity"].split("/")
    assert ("on" if rule.default else "off") == row["default"]
    assert (rule.fix.value if rule.fix else "-") == row["fix"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_file_names_its_rule(path: Path) -> None:
    page = PAGES[path]
    assert page.title == f"{rule_of(path).id} {rule_of(path).name}"
    assert path.stem.startswith(rule_of(path).id)
    assert list(page.sections) == [name for name in pages.SECTIONS if name in page.sections]
    cases = [*page.of("Bad"), *page.of("Good")]
    assert all(example.heading for example in cases), "each case has a ### heading"


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert {path.stem for path in pages.DIRECTORY.glob("BN*.md")} == set(registry.rules())


def test_marks_are_taken_out_of_the_code() -> None:
    page = pages.parse(
        "# BN999 some-name\n\n## Bad\n\n### one\n\n```python run\nf(1)  # BN101\nf(2)  # no BN101\n"
        "f(3)  # why  # BN101, BN201\n```\n\n## Good\n\n```\nnot python\n```\n"
    )
    (example,) = page.examples
    assert page.title == "BN999 some-name"
    assert page.sections == ("Bad", "Good")
    assert example.code == "f(1)\nf(2)  # no BN101\nf(3)  # why\n"
    assert example.expected == ((1, "BN101"), (3, "BN101"), (3, "BN201"))
    assert (example.section, example.heading, example.line, example.run) == ("Bad", "one", 8, True)


def test_a_heading_inside_code_is_no_section() -> None:
    page = pages.parse("# t\n\n## Good\n\n```python\n## Bad\nx = 1\n```\n")
    assert page.sections == ("Good",)
    assert [example.section for example in page.examples] == ["Good"]


def test_a_prelude_stands_before_the_examples_that_name_it() -> None:
    page = pages.parse(
        "# t\n\n## Preludes\n\n### a-net\n\n```python\nnet = 1\n```\n\n## Bad\n\n### one\n\n"
        "```python after a-net\nnet(1)  # BN101\n```\n\n### two\n\n```python run after a-net\nnet\n```\n"
    )
    one, two = page.examples
    assert (one.code, one.expected, one.line) == ("net = 1\nnet(1)\n", ((2, "BN101"),), 16)
    assert (two.code, two.run) == ("net = 1\nnet\n", True)


def test_no_block_is_passed_over() -> None:
    with pytest.raises(ValueError, match="python after a net` says"):
        pages.parse("# t\n\n## Bad\n\n```python after a net\nnet(1)\n```\n")


def test_an_unknown_prelude_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 6: there is no prelude `a-net`"):
        pages.parse("# t\n\n## Bad\n\n```python after a-net\nnet(1)\n```\n")
