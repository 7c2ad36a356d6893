"""Which rules there are, and which ones some words choose."""

import pytest

from bnlint import registry
from bnlint.finding import Severity
from bnlint.misuse import Misuse
from bnlint.registry import Choice
from bnlint.rule import Rule

RULES = {
    rule.id: rule
    for rule in (
        Rule("BN201", "bias-before-batchnorm", Severity.ADVICE),
        Rule("BN301", "missing-eval", Severity.WARNING),
        Rule("BN303", "eval-not-restored", Severity.WARNING),
        Rule("BN317", "attack-in-train-mode", Severity.ADVICE, default=False),
    )
}


@pytest.fixture(autouse=True)
def few_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "rules", lambda: RULES)


def chosen(configured: Choice | None = None, given: Choice | None = None) -> str:
    rules = registry.chosen(configured or Choice(), given or Choice())
    return " ".join(rule.id.removeprefix("BN") for rule in rules)


@pytest.mark.parametrize(
    ("configured", "given", "expected"),
    [
        (Choice(), Choice(), "201 301 303"),
        (Choice(), Choice(["ALL"]), "201 301 303 317"),
        (Choice(), Choice(["BN3"]), "301 303 317"),
        (Choice(), Choice(["bn301", "bias-before-batchnorm"]), "201 301"),
        (Choice(), Choice(["BN"]), "201 301 303 317"),
        (Choice(), Choice([]), ""),
        (Choice(), Choice(ignore=["BN3"]), "201"),
        (Choice(), Choice(ignore=["ALL"]), ""),
        (Choice(), Choice(["BN3"], ["missing-eval"]), "303 317"),
        (Choice(), Choice(["BN301"], ["BN3"]), "301"),
        (Choice(), Choice(["BN3"], ["BN3"]), ""),
        (Choice(["BN201"]), Choice(), "201"),
        (Choice(["BN201"]), Choice(["BN301"]), "301"),
        (Choice(extend_select=["BN317"]), Choice(), "201 301 303 317"),
        (Choice(["BN2"], extend_select=["BN317"]), Choice(ignore=["BN201"]), "317"),
        (Choice(ignore=["BN201"]), Choice(), "301 303"),
        (Choice(ignore=["BN201"]), Choice(["BN201"]), "201"),
        (Choice(ignore=["BN201"]), Choice(["ALL"]), "301 303 317"),
        (Choice(ignore=["BN2"]), Choice(["ALL"], ["BN303"]), "301 317"),
    ],
)
def test_selectors_choose(configured: Choice, given: Choice, expected: str) -> None:
    assert chosen(configured, given) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("BN999", "unknown rule `BN999` in the command line"),
        ("missing-evl", "did you mean `missing-eval`"),
        ("BN30l", "did you mean `BN30"),
        ("BN9", "unknown rule `BN9`"),
        ("E501", "unknown rule `E501`"),
    ],
)
def test_an_unknown_selector_is_refused(word: str, message: str) -> None:
    with pytest.raises(Misuse, match=message):
        chosen(given=Choice([word]))
    with pytest.raises(Misuse, match=message):
        chosen(given=Choice(ignore=[word]))


def test_diagnostics_may_be_named_but_are_no_rules() -> None:
    assert chosen(given=Choice(ignore=["BN000", "unused-ignore"])) == "201 301 303"


@pytest.mark.parametrize("word", ["BN301", "bn301", "missing-eval", "Missing-Eval"])
def test_a_rule_is_found_by_id_and_name(word: str) -> None:
    assert registry.find(word) is RULES["BN301"]


def test_a_diagnostic_is_found() -> None:
    assert registry.find("BN000").name == "unreadable-file"
    with pytest.raises(Misuse, match=r"no rule `zzz`$"):
        registry.find("zzz")
