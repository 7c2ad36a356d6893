"""Every rule that bnlint has, one module of ``bnlint.checks`` each, and which of them to run."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import overload

from bnlint import checks, diagnostics
from bnlint.errors import UsageError, did_you_mean
from bnlint.immutable import immutable
from bnlint.rule import Rule
from bnlint.selector import ALL, means, weight


@immutable
class RuleChoice:
    """The selectors of one place. ``select`` is ``None`` when it leaves the defaults."""

    select: Sequence[str] | None = None
    ignore: Sequence[str] = ()
    extend_select: Sequence[str] = ()
    origin: str = ""
    """The file or argument that they stand in; ``""`` for options of the command line."""


class Unloaded(Sequence[Rule]):
    """Rules whose modules are loaded when they are first looked at."""

    def __init__(self, load: Callable[[], Iterable[Rule]]) -> None:
        self._load = load

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        return tuple(self._load())

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rule]: ...
    def __getitem__(self, index: int | slice) -> Rule | Sequence[Rule]:
        return self._rules[index]

    def __len__(self) -> int:
        return len(self._rules)


@cache
def rules() -> dict[str, Rule]:
    """Return the rules by id, in id order."""
    found: list[Rule] = [import_module(f"bnlint.checks.{name}").RULE for name in _modules()]
    return {rule.id: rule for rule in sorted(found, key=lambda rule: rule.id)}


def names() -> dict[str, str]:
    """Return the name of each id, diagnostics included; no rule is loaded for it."""
    words = [module.partition("_") for module in _modules()]
    known = {item.id: item.name for item in diagnostics.ALL}
    return known | {start.upper(): name.replace("_", "-") for start, _, name in words}


@cache
def _modules() -> Sequence[str]:
    return sorted(info.name for info in iter_modules(checks.__path__))


_LISTED = "; `bnlint rules` lists all"


def require_known(selectors: Iterable[str], origin: str) -> None:
    """Raise :class:`UsageError` for a selector that means no rule and no diagnostic."""
    for selector in selectors:
        if not is_known(selector):
            hint = suggestion(selector) or _LISTED
            raise UsageError(f"unknown rule `{selector}` in {origin}{hint}")


def is_known(selector: str) -> bool:
    """Whether the selector means any rule or diagnostic."""
    return any(means(selector, rule_id, name) for rule_id, name in names().items())


def suggestion(word: str) -> str:
    """Return a question that offers the id or name most similar to ``word``, or nothing."""
    known = names()
    upper = did_you_mean(word.upper(), known)
    return did_you_mean(word.lower(), known.values()) or upper


def find(word: str) -> Rule | diagnostics.Diagnostic:
    """Return the rule or diagnostic of an id or a name; raises :class:`UsageError`."""
    every: list[Rule | diagnostics.Diagnostic] = [*rules().values(), *diagnostics.ALL]
    for item in every:
        if word.upper() == item.id or word.lower() == item.name:
            return item
    raise UsageError(f"no rule `{word}`{suggestion(word) or _LISTED}")


def beginning_with(word: str) -> list[Rule]:
    """Return the rules whose id begins with a word such as ``BN3``."""
    start = word.upper()
    known = start.startswith("BN")
    return [rule for rule in rules().values() if known and rule.id.startswith(start)]


def chosen(configured: RuleChoice, given: RuleChoice) -> Sequence[Rule]:
    """Return the rules to run: the command line's choice on top of the configuration's.

    The more specific selector wins; of equally specific ones an ``ignore``, but a ``select`` of the
    command line beats an ``ignore`` of the configuration. Raises :class:`UsageError` for a selector
    that means no rule.
    """
    for choice in (configured, given):
        selected = (*(choice.select or ()), *choice.extend_select)
        require_known(selected, choice.origin or "`--select`")
        require_known(choice.ignore, choice.origin or "`--ignore`")
    return Unloaded(lambda: (r for r in rules().values() if _is_chosen(r, configured, given)))


def _is_chosen(rule: Rule, configured: RuleChoice, given: RuleChoice) -> bool:
    refused = _weight(configured.ignore, rule)
    if given.select is not None:
        picked = _weight(given.select, rule)
        return picked >= max(refused, 0) and picked > _weight(given.ignore, rule)
    if configured.select is not None:
        picked = _weight(configured.select, rule)
    else:
        picked = ALL if rule.default else -1
    picked = max(picked, _weight(configured.extend_select, rule))
    return picked > max(refused, _weight(given.ignore, rule))


def _weight(selectors: Iterable[str], rule: Rule) -> int:
    weights = (weight(selector, rule.id, rule.name) for selector in selectors)
    return max((found for found in weights if found is not None), default=-1)
