"""The site has a page for each rule, and its links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

import pytest
import yaml

from bnlint import registry
from bnlint.urls import REPOSITORY
from docs import hooks

ROOT = Path(__file__).parents[1]
WRITTEN = {path.name: path for path in (ROOT / "docs").glob("*.md")}
PAGES = {
    page: ROOT / path for path, page in hooks.sources().items() if page.endswith(".md")
} | WRITTEN
FILES = {*PAGES, *hooks.sources().values()}


def content(page: str) -> str:
    return hooks.content(PAGES[page].read_text(encoding="utf-8"), page)


def without_code(markdown: str) -> str:
    return re.sub(r"^(`{3,}).*?^\1$|`[^`\n]+`", "", markdown, flags=re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    outside = re.sub(r"^(`{3,}).*?^\1$", "", content(page), flags=re.MULTILINE | re.DOTALL)
    words = (
        re.sub(r"[^\w\s-]", "", head) for head in re.findall(r"^#+ (.*)$", outside, re.MULTILINE)
    )
    return {re.sub(r"\s+", "-", head.strip().lower()) for head in words}


def named(entries: Iterable[Any]) -> list[str]:
    """The pages of a navigation, in order."""
    found: list[str] = []
    for entry in entries:
        for item in entry.values() if isinstance(entry, dict) else [entry]:
            found += named(item) if isinstance(item, list) else [item]
    return found


def navigation() -> list[str]:
    return named(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])


def test_each_rule_has_a_page_under_its_aspect() -> None:
    assert named(hooks.navigation()) == [f"rules/{rule_id}.md" for rule_id in registry.rules()]
    assert not [name for aspect in hooks.navigation() for name in aspect if name.startswith("BN")]


def test_each_other_page_is_in_the_navigation() -> None:
    pages = [page for page in PAGES if not page.startswith("rules/BN")]
    assert sorted(navigation()) == sorted(pages)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(content(page))):
        path, _, anchor = target.partition("#")
        if path.startswith(f"{REPOSITORY}/blob/main/"):
            assert (ROOT / path.removeprefix(f"{REPOSITORY}/blob/main/")).exists(), target
        elif not re.match(r"https?:", path):
            there = normpath(join(dirname(page), path)) if path else page
            assert there in FILES, target
            assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", WRITTEN)
def test_links_lead_somewhere_in_the_repository(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s#]+)", without_code(WRITTEN[page].read_text("utf-8"))):
        assert target.startswith("https:") or (ROOT / "docs" / target).exists(), target


def test_a_rule_begins_with_what_it_is() -> None:
    head, row = content("rules/BN301.md").split("\n\n")[:2]
    assert head == "# BN301 missing-eval"
    last = row.splitlines()[-1]
    assert last == "| [BN301](BN301.md) | missing-eval | warning | on | [safe](../fixes.md) |"


def test_code_stays_as_it_is() -> None:
    markdown = "# BN301 x\n\n```python run\na[0](b)\n```\n\n`a[0](b)` and [a](BN302.md)\n"
    assert hooks.content(markdown, "rules/BN301.md").endswith(
        "\n\n```python\na[0](b)\n```\n\n`a[0](b)` and [a](BN302.md)\n"
    )


def test_numbers_come_from_the_review() -> None:
    (row,) = [line for line in content("measured.md").splitlines() if "[BN101]" in line]
    review = (ROOT / "benchmarks" / "review.jsonl").read_text(encoding="utf-8")
    right = len(re.findall(r'"rule": "BN101", "verdict": "right"', review))
    assert f"| {right} |" in row


def test_it_builds(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "rules" / "BN301" / "index.html").exists()
    assert "<!-- generated" not in (tmp_path / "measured" / "index.html").read_text("utf-8")
