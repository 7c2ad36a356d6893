"""Which rules there are, and which ones some words choose."""

import pytest

from bnlint import registry
from bnlint.errors import UsageError
from bnlint.finding import Severity
from bnlint.registry import RuleChoice
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
    modules = [f"{rule.id}_{rule.name}".lower().replace("-", "_") for rule in RULES.values()]
    monkeypatch.setattr(registry, "rules", lambda: RULES)
    monkeypatch.setattr(registry, "_modules", lambda: modules)


def chosen(configured: RuleChoice | None = None, given: RuleChoice | None = None) -> str:
    rules = registry.chosen(configured or RuleChoice(), given or RuleChoice())
    return " ".join(rule.id.removeprefix("BN") for rule in rules)


@pytest.mark.parametrize(
    ("configured", "given", "expected"),
    [
        (RuleChoice(), RuleChoice(), "201 301 303"),
        (RuleChoice(), RuleChoice(["ALL"]), "201 301 303 317"),
        (RuleChoice(), RuleChoice(["BN3"]), "301 303 317"),
        (RuleChoice(), RuleChoice(["bn301", "bias-before-batchnorm"]), "201 301"),
        (RuleChoice(), RuleChoice(["BN"]), "201 301 303 317"),
        (RuleChoice(), RuleChoice([]), ""),
        (RuleChoice(), RuleChoice(ignore=["BN3"]), "201"),
        (RuleChoice(), RuleChoice(ignore=["ALL"]), ""),
        (RuleChoice(), RuleChoice(["BN3"], ["missing-eval"]), "303 317"),
        (RuleChoice(), RuleChoice(["BN301"], ["BN3"]), "301"),
        (RuleChoice(), RuleChoice(["BN3"], ["BN3"]), ""),
        (RuleChoice(["BN201"]), RuleChoice(), "201"),
        (RuleChoice(["BN201"]), RuleChoice(["BN301"]), "301"),
        (RuleChoice(extend_select=["BN317"]), RuleChoice(), "201 301 303 317"),
        (RuleChoice(["BN2"], extend_select=["BN317"]), RuleChoice(ignore=["BN201"]), "317"),
        (RuleChoice(ignore=["BN201"]), RuleChoice(), "301 303"),
        (RuleChoice(ignore=["BN201"]), RuleChoice(["BN201"]), "201"),
        (RuleChoice(ignore=["BN201"]), RuleChoice(["ALL"]), "301 303 317"),
        (RuleChoice(ignore=["BN2"]), RuleChoice(["ALL"], ["BN303"]), "301 317"),
    ],
)
def test_selectors_choose(configured: RuleChoice, given: RuleChoice, expected: str) -> None:
    assert chosen(configured, given) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("BN999", "unknown rule `BN999` in `--(select|ignore)`"),
        ("missing-evl", "did you mean `missing-eval`"),
        ("BN30l", "did you mean `BN30"),
        ("BN9", "unknown rule `BN9`"),
        ("E501", "unknown rule `E501`"),
    ],
)
def test_an_unknown_selector_is_refused(word: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen(given=RuleChoice([word]))
    with pytest.raises(UsageError, match=message):
        chosen(given=RuleChoice(ignore=[word]))


def test_diagnostics_may_be_named_but_are_no_rules() -> None:
    assert chosen(given=RuleChoice(ignore=["BN000", "unused-ignore"])) == "201 301 303"


@pytest.mark.parametrize("word", ["BN301", "bn301", "missing-eval", "Missing-Eval"])
def test_a_rule_is_found_by_id_and_name(word: str) -> None:
    assert registry.find(word) is RULES["BN301"]


def test_a_diagnostic_is_found() -> None:
    assert registry.find("BN000").name == "unreadable-file"
    with pytest.raises(UsageError, match=r"no rule `zzz`; `bnlint rules` lists all$"):
        registry.find("zzz")
