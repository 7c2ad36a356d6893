"""README and the pages of docs/ say what is true."""

import re
import tomllib
from pathlib import Path

import pytest

from bnlint import config, diagnostics, registry
from bnlint.cli import main, reporting
from bnlint.style import Style
from tests import new_rule

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OUTPUT = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def rows(start: str) -> list[list[str]]:
    """The cells of all table rows that start with an id of this kind."""
    lines = [line for line in OUTPUT.splitlines() if line.startswith(f"| {start}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_tables_are_those_of_the_rules() -> None:
    assert new_rule.with_overview(README, registry.rules()) == README
    index = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")
    assert new_rule.index(registry.rules()) == index


def test_the_table_has_all_diagnostics() -> None:
    assert [row[:2] for row in rows("BN0")] == [[item.id, item.name] for item in diagnostics.ALL]


def test_the_configuration_is_accepted() -> None:
    example = re.findall(r"```toml\n(.*?)```", CONFIGURATION, re.DOTALL)[0]
    table = tomllib.loads(example)["tool"]["bnlint"]
    assert set(table) == set(config._KEYS)
    config.parse(table, ROOT, "docs/configuration.md")
    for words in (table["select"], table["ignore"], *table["per-file-ignores"].values()):
        registry.require_known(words, "docs/configuration.md")


@pytest.mark.parametrize("hook", ["bnlint", "bnlint-fix"])
def test_the_hooks_exist(hook: str) -> None:
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert f"- id: {hook}\n" in hooks
    assert hook in README


def test_constraints_pin_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    assert "torch==2.13.0" in pins


def test_the_installed_command_is_there() -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    module, _, function = content["project"]["scripts"]["bnlint"].partition(":")
    assert module == main.__name__
    assert callable(getattr(main, function))


def test_the_excerpt_is_what_the_example_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    pytest.importorskip("torch")
    monkeypatch.setattr(reporting, "look_for", lambda *_, **__: Style(width=100))
    assert main.main(["examples/train.py", "--trace"]) == 1
    printed = capsys.readouterr().out
    (excerpt,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    finding, summary = excerpt.split("\n...\n\n")
    assert finding in printed
    assert printed.endswith("\n\n" + summary)


def test_the_timeline_is_that_of_the_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main.main(["timeline", "examples/train.py"]) == 0
    section = OUTPUT.partition("## Timeline")[2]
    (excerpt,) = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    assert excerpt in capsys.readouterr().out
