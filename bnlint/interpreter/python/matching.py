"""``match`` statements: which case is taken, and what its pattern binds."""

from collections.abc import Sequence

import libcst as cst

from bnlint.interpreter.core.dispatch import STATEMENTS, handles
from bnlint.interpreter.core.frames import Completion
from bnlint.interpreter.core.machine import Machine, Path
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Unknown, Value, present
from bnlint.interpreter.library.standard_library.classes import is_instance
from bnlint.interpreter.python.arithmetic import compare, truth_of
from bnlint.interpreter.python.iteration import elements
from bnlint.interpreter.python.name_lookup import bind

Bound = dict[str, Value]
"""What a pattern binds where it matches."""


@handles(STATEMENTS, cst.Match)
def _match(m: Machine, node: cst.Match, scope: Scope) -> Completion | None:
    return _cases(m, m.evaluate(node.subject, scope), node.cases, scope)


def _cases(
    m: Machine, subject: Value, cases: Sequence[cst.MatchCase], scope: Scope
) -> Completion | None:
    """Execute the first case that matches; both ways on where that is not known."""
    if not cases:
        return None
    first, rest = cases[0], cases[1:]
    bound: Bound = {}
    known = _matches(m, first.pattern, subject, scope, bound)

    def others() -> Completion | None:
        return _cases(m, subject, rest, scope)

    def taken() -> Completion | None:
        for name, value in bound.items():
            bind(m, name, value, scope)
        return _guarded(m, first, others, scope)

    if known is None:
        return m.fork(taken, others, m.site(first.pattern, scope))
    return taken() if known else others()


def _guarded(m: Machine, case: cst.MatchCase, others: Path, scope: Scope) -> Completion | None:
    """Execute a case whose pattern matches, if its guard lets it."""

    def body() -> Completion | None:
        return m.execute(case.body.body, scope)

    if case.guard is None:
        return body()
    known = truth_of(m.evaluate(case.guard, scope))
    if known is None:
        return m.fork(body, others, m.site(case.guard, scope))
    return body() if known else others()


def _matches(
    m: Machine, pattern: cst.MatchPattern, subject: Value, scope: Scope, bound: Bound
) -> bool | None:
    """Whether a pattern matches, ``None`` if that is not known, and what it then binds."""
    match pattern:
        case cst.MatchValue(value=value):
            other = m.evaluate(value, scope)
            return truth_of(compare(m, "Equal", subject, other, pattern, scope))
        case cst.MatchSingleton(value=value):
            other = m.evaluate(value, scope)
            return truth_of(compare(m, "Is", subject, other, pattern, scope))
        case cst.MatchAs(pattern=inner, name=name):
            known = True if inner is None else _matches(m, inner, subject, scope, bound)
            if name is not None and known is not False:
                bound[name.value] = subject
            return known
        case cst.MatchOr(patterns=parts):
            return _any([_matches(m, part.pattern, subject, scope, bound) for part in parts])
        case cst.MatchList(patterns=parts) | cst.MatchTuple(patterns=parts):
            return _matches_sequence(m, parts, subject, scope, bound)
        case cst.MatchMapping():
            return _matches_mapping(m, pattern, subject, scope, bound)
        case cst.MatchClass():
            return _matches_class(m, pattern, subject, scope, bound)
    _bind_all(pattern, bound)
    return None


def _matches_sequence(
    m: Machine,
    parts: Sequence[cst.MatchSequenceElement | cst.MatchStar],
    subject: Value,
    scope: Scope,
    bound: Bound,
) -> bool | None:
    items = elements(m, subject) if isinstance(subject, list | tuple) else None
    if items is None or any(isinstance(part, cst.MatchStar) for part in parts):
        for part in parts:
            _bind_all(part, bound)
        return False if isinstance(subject, str | int | float | dict | type(None)) else None
    if len(items) != len(parts):
        return False
    values = [part.value for part in parts if isinstance(part, cst.MatchSequenceElement)]
    return _all([_matches(m, p, i, scope, bound) for p, i in zip(values, items, strict=True)])


def _matches_mapping(
    m: Machine, pattern: cst.MatchMapping, subject: Value, scope: Scope, bound: Bound
) -> bool | None:
    answers: list[bool | None] = []
    for element in pattern.elements:
        key = m.evaluate(element.key, scope)
        if isinstance(subject, dict) and isinstance(key, str | int) and key in subject:
            item = subject[key]
            known = _matches(m, element.pattern, present(item), scope, bound)
            answers.append(known if item is present(item) or known is False else None)
            continue
        _bind_all(element.pattern, bound)
        answers.append(False if isinstance(subject, dict) and isinstance(key, str) else None)
    if pattern.rest is not None:
        bound[pattern.rest.value] = Unknown("other items")
    return _all(answers) if isinstance(subject, dict) else None


def _matches_class(
    m: Machine, pattern: cst.MatchClass, subject: Value, scope: Scope, bound: Bound
) -> bool | None:
    known = is_instance(subject, m.evaluate(pattern.cls, scope))
    inner = [*pattern.patterns, *pattern.kwds]
    for part in inner:
        _bind_all(part, bound)
    return None if known is True and inner else known


def _any(answers: Sequence[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def _all(answers: Sequence[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _bind_all(pattern: cst.CSTNode, bound: Bound) -> None:
    """Make unknown all that a pattern binds."""
    if isinstance(pattern, cst.MatchAs | cst.MatchStar) and pattern.name is not None:
        bound[pattern.name.value] = Unknown("part of a pattern")
    for child in pattern.children:
        _bind_all(child, bound)
