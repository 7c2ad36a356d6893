"""The command that begins a rule."""

import ast
from pathlib import Path

import pytest

from bnlint import pages, registry
from tests import new_rule


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("rules", "tests/cases", "bnlint/checks"):
        (tmp_path / folder).mkdir(parents=True)
    catalogue = (new_rule.ROOT / "tests" / "catalogue.csv").read_text(encoding="utf-8")
    (tmp_path / "tests" / "catalogue.csv").write_text(catalogue, encoding="utf-8")
    (tmp_path / "README.md").write_text("# t\n\n| id | about | rules |\n|-|-|-|\n\nend\n")
    monkeypatch.setattr(new_rule, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("row", new_rule.catalogue().values(), ids=lambda row: row["id"])
def test_what_it_writes_can_be_read(row: dict[str, str]) -> None:
    page, cases, check = new_rule.files(row).values()
    parsed = pages.parse(page)
    assert parsed.title == pages.parse(cases).title == f"{row['id']} {row['name']}"
    assert parsed.of("Bad")[0].expected == ((1, row["id"]),)
    assert ("Fixed" in parsed.sections) == (row["fix"] != "-")
    assert list(parsed.sections) == [name for name in pages.SECTIONS if name in parsed.sections]
    names = {node.id for node in ast.walk(ast.parse(check)) if isinstance(node, ast.Name)}
    assert ("Applicability" in names) == (row["fix"] != "-")


def test_it_writes_page_cases_and_check_once(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new_rule.main(["BN305"]) == 0
    name = new_rule.catalogue()["BN305"]["name"]
    assert (checkout / "bnlint/checks" / f"bn305_{name.replace('-', '_')}.py").exists()
    assert (checkout / "rules/BN305.md").exists()
    first = next(iter(registry.rules().values()))
    assert f"[{first.name}](rules/{first.id}.md)" in (checkout / "README.md").read_text()
    assert (
        f"| [{first.id}]({first.id}.md) | {first.name} |"
        in (checkout / "rules/README.md").read_text()
    )
    assert (checkout / "README.md").read_text().endswith("\n\nend\n")
    assert new_rule.main(["BN305"]) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_rule_that_nobody_planned_is_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new_rule.main(["BN999"]) == 2
    assert capsys.readouterr().err == "error: the catalogue has no rule `BN999`\n"
