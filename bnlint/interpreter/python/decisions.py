"""Conditions that are decided, and the command-line options that would have decided otherwise."""

from functools import partial

import libcst as cst

from bnlint.interpreter.core.branches import Branch
from bnlint.interpreter.core.command_line import Conditional
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Scope
from bnlint.interpreter.core.script_options import option_without_default
from bnlint.interpreter.core.values import Text, Value


def note_decided(m: Machine, node: Conditional, scope: Scope, *, taken: bool) -> None:
    """An ``if`` statement or expression was decided by its test."""
    origin, to_branch = partial(_option_of, m, scope), partial(_branch, scope)
    m.command_line.note_untaken(node, origin, to_branch, taken=taken)
    for reads in m.readings:
        reads.tests.setdefault(node, taken)


def note_undecided(m: Machine, test: cst.BaseExpression, scope: Scope) -> None:
    """A test was not decided."""
    m.command_line.note_undecided(test, partial(_option_of, m, scope))


def note_difference(m: Machine, node: cst.Comparison, left: Value) -> None:
    """A comparison is false, of what may be an option."""
    if isinstance(left, Text) and left.chosen_by is not None and len(node.comparisons) == 1:
        option = left.chosen_by
        m.command_line.note_comparison(node, lambda _: option)


def _branch(scope: Scope, names: frozenset[str]) -> Branch:
    """Code with these names, with the functions that those of a function's own stand for."""
    held = (scope.names.get(name) for name in names) if scope.function is not None else ()
    functions = frozenset(value.node for value in held if isinstance(value, Function))
    return Branch(names, functions, scope.namespace)


def _option_of(m: Machine, scope: Scope, node: cst.BaseExpression) -> str | None:
    """The command-line option that an expression has its value from."""
    value = m.evaluate(node, scope)
    option = value.chosen_by if isinstance(value, Text) else option_without_default(value)
    if option is not None:
        for reads in m.readings:
            reads.fixed = False
    return option
