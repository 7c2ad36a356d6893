"""Each guard of a check is needed: where it is a constant, some page or case of its rule notices.

``BNLINT_GUARDS`` names the rules to test, or ``all``; by default a few of them take turns by the
number of rules, so that the suite stays quick.
"""

import inspect
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from bnlint import interpreter, pages, registry
from bnlint.facts.passes import forwards
from bnlint.facts.passes.mode_switches import (
    assigned_modes,
    dropout_samples,
    live_evaluations,
    losses_of_train_mode,
    partial_evaluations,
    undone_freezes,
    undone_modes,
)
from bnlint.facts.passes.model_graphs import cancellation, parts, reuse, train_overrides
from bnlint.facts.passes.once import forget
from bnlint.facts.passes.population_statistics import (
    adapted_copies,
    nan_guards,
    stale_statistics,
    swapped_weights,
    young_statistics,
)
from bnlint.facts.passes.training_batches import (
    adversarial_examples,
    fixed_roles,
    generated_samples,
)
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.wording import fix_places
from bnlint.finding import Fix
from bnlint.lint import engine, program
from bnlint.pages import Example
from bnlint.rule import Rule
from bnlint.source import Project, parse_text
from tests.traced_examples import traced_graph

CASES = Path(__file__).parent / "cases"
FACTS: tuple[ModuleType, ...] = (
    forwards,
    fix_places,
    assigned_modes,
    dropout_samples,
    partial_evaluations,
    reuse,
    parts,
    cancellation,
    undone_freezes,
    stale_statistics,
    swapped_weights,
    train_overrides,
    young_statistics,
    adversarial_examples,
    generated_samples,
    adapted_copies,
    live_evaluations,
    losses_of_train_mode,
    undone_modes,
    nan_guards,
    fixed_roles,
)
"""Facts whose private predicates are guards of the rules that ask them."""
UNREAD = frozenset({"BN808"})
"""Rules whose blocks say nothing by being read or traced."""
SPEED = frozenset({"_moves_features"})
"""Predicates that only save time."""
_IMPORTED = re.compile(r"^from (bnlint\.facts\.[\w.]+) import", re.MULTILINE)
SAMPLE = ("BN206", "BN304", "BN503")
Noticed = tuple[int, Fix | None]


def wanted(rule_id: str) -> bool:
    asked = os.environ.get("BNLINT_GUARDS", " ".join(SAMPLE))
    return asked == "all" or rule_id in asked.split()


@cache
def blocks(family: str) -> tuple[Rehearsal, ...]:
    """What all blocks of the pages and cases of a family of rules, ``BN3``, tell."""
    files = [*pages.DIRECTORY.glob(f"{family}*.md"), *CASES.glob(f"{family}*.md")]
    every = [e for f in files for e in pages.parse(f.read_text(encoding="utf-8")).examples]
    return tuple(rehearsed(example) for example in every)


def rehearsed(example: Example) -> Rehearsal:
    if example.trace is not None:
        return Rehearsal(Graphs([traced_graph(example)]), ())
    file = parse_text(example.code, "example.py", Path("/bnlint-example/example.py"))
    return interpreter.rehearse([file], Project({file.file: file}))


def said(rule: Rule, rehearsal: Rehearsal) -> set[Noticed]:
    """What the tests of pages look at: the lines that are reported, and their fixes."""
    for subject in (rehearsal.graphs, *rehearsal.graphs, *rehearsal.runs):
        forget(subject)
    found = program.findings_of(rule, rehearsal, engine.default_plan().settings)
    return {(f.span.line, f.fix) for f in found if not f.likely}


@cache
def usual(rule_id: str) -> tuple[set[Noticed], ...]:
    rule = registry.rules()[rule_id]
    return tuple(said(rule, rehearsal) for rehearsal in blocks(rule_id[:3]))


def is_noticed(rule_id: str) -> bool:
    rule = registry.rules()[rule_id]
    for rehearsal, expected in zip(blocks(rule_id[:3]), usual(rule_id), strict=True):
        try:
            if said(rule, rehearsal) != expected:
                return True
        except Exception:
            return True
    return False


def predicates(module: ModuleType) -> Iterator[str]:
    """The functions that answer yes or no: a module's own private ones, and those about forwards."""
    for name, value in sorted(vars(module).items()):
        if not isinstance(value, FunctionType) or name in SPEED:
            continue
        if inspect.signature(value).return_annotation in (bool, "bool"):
            own = value.__module__ == module.__name__ and name.startswith("_")
            if own or (value.__module__ == forwards.__name__ and module is not forwards):
                yield name


def check_of(rule: Rule) -> ModuleType:
    check = rule.run_check or rule.graph_check
    assert check is not None
    return import_module(check.__module__)


def guards() -> Iterator[tuple[str, ModuleType, str]]:
    for rule in registry.rules().values():
        if rule.id not in UNREAD:
            module = check_of(rule)
            for name in predicates(module):
                yield rule.id, module, name


def families(module: ModuleType) -> list[str]:
    """The rules whose checks use a module of facts, by themselves or through other facts."""
    return [
        rule.id
        for rule in registry.rules().values()
        if rule.id not in UNREAD and module.__name__ in used_by(check_of(rule).__name__)
    ]


@cache
def used_by(name: str) -> frozenset[str]:
    """The modules of facts that a module imports, and those that these import."""
    direct = set(_IMPORTED.findall(inspect.getsource(import_module(name))))
    return frozenset(direct).union(*(used_by(other) for other in direct))


def survivors(module: ModuleType, name: str, rules: list[str]) -> Iterator[bool]:
    """The constants that may stand for a predicate without any of the rules noticing."""
    original: Callable[..., bool] = getattr(module, name)
    for constant in (True, False):
        for rule_id in rules:
            usual(rule_id)
        setattr(module, name, lambda *_, constant=constant, **__: constant)
        try:
            if not any(is_noticed(rule_id) for rule_id in rules):
                yield constant
        finally:
            setattr(module, name, original)


@pytest.mark.parametrize(
    ("rule_id", "module", "name"),
    [pytest.param(*guard, id=f"{guard[0]}-{guard[2]}") for guard in guards() if wanted(guard[0])],
)
def test_a_guard_of_a_check_is_needed(rule_id: str, module: ModuleType, name: str) -> None:
    assert list(survivors(module, name, [rule_id])) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param(module, name, id=f"{module.__name__.rpartition('.')[2]}-{name}")
        for module in FACTS
        for name in predicates(module)
        if wanted("facts")
    ],
)
def test_a_guard_of_the_facts_is_needed(module: ModuleType, name: str) -> None:
    assert list(survivors(module, name, families(module))) == []


def test_all_checks_are_modules_of_the_package() -> None:
    assert {check_of(rule).__package__ for rule in registry.rules().values()} == {"bnlint.checks"}
