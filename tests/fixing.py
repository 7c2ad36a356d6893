"""Programs that are linted and fixed, each once."""

from dataclasses import dataclass
from functools import cache

from bnlint import registry
from bnlint.finding import Applicability, Finding
from bnlint.lint import engine
from bnlint.rule import Rule

LEVELS = (Applicability.SAFE, Applicability.UNSAFE)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A program, its findings, and what is left of them after all fixes that may be applied."""

    before: str
    findings: tuple[Finding, ...]
    after: str
    left: tuple[Finding, ...]


@cache
def lint(code: str, rule_id: str = "") -> tuple[Finding, ...]:
    """Lint a program by the default rules, and by one that may be off."""
    return tuple(engine.lint_text(code, rules=_also(rule_id)))


@cache
def fix(code: str, rule_id: str = "", levels: tuple[Applicability, ...] = LEVELS) -> Fixed:
    """Fix a program by the default rules, and by one that may be off and only show its fixes."""
    rules = _also(rule_id)
    allowed = {*levels, *(rule.fix for rule in rules if rule.fix is not None)}
    settled = engine.fix([engine.example(code)], engine.default_plan(rules), allowed)
    after = [change.after for change in settled.changes] or [code]
    return Fixed(code, lint(code, rule_id), after[0], tuple(settled.result.findings))


def _also(rule_id: str) -> list[Rule]:
    return [registry.rules()[rule_id]] if rule_id else []
