"""Options whose defaults a script refuses: it only goes on where they are given, so that they are not known.

``if not args.checkpoint: raise ...`` ends a call without ``--checkpoint``, and so does an ``else: raise`` behind
all values of ``--arch`` that are taken.
"""

from collections.abc import Iterator

import libcst as cst

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.script_options import unknown_option
from bnlint.interpreter.core.values import Float, Int, Text, Value
from bnlint.interpreter.python.arithmetic import truth_of
from bnlint.interpreter.python.name_lookup import assign
from bnlint.source.name_bindings import dotted
from bnlint.source.parents import below

NAMESPACE = "argparse.Namespace"
_EXITS = frozenset({"exit", "_exit", "quit", "error"})
_SAYS = frozenset(
    "print write error critical warning warn info print_help print_usage echo".split()
)
"""Functions and methods that tell users why the program ends."""
Chain = list[tuple[cst.BaseExpression, bool]]
"""The tests of an if-elif chain, with whether their branches end the program."""


def doubt_refused_defaults(m: Machine, node: cst.If, scope: Scope) -> None:
    """Forget the defaults for which an if-elif chain ends the program, as no call of it has them."""
    if m.command_line.invocation is not None or not m.journal.in_script:
        return
    if node not in m.command_line.chains:
        m.command_line.chains[node] = _chain(node)
    chain, rest_ends = m.command_line.chains[node]
    if not rest_ends and not any(ends for _, ends in chain):
        return
    if not any(True for test, _ in chain for _ in _options_in(m, test, scope)):
        return
    refusing = _refusing_tests(m, chain, scope, rest_ends=rest_ends)
    for name in [name for test in refusing for name in _options_in(m, test, scope)]:
        flag = dotted(name).rpartition(".")[2]
        assign(m, name, unknown_option(f"--{flag}", m.site(name, scope)), scope)
        for reads in m.readings:
            reads.fixed = False


def _chain(node: cst.If) -> tuple[Chain, bool]:
    """The tests of a chain, and whether what is left when none holds ends the program."""
    chain: Chain = []
    other: cst.CSTNode | None = node
    while isinstance(other, cst.If):
        chain.append((other.test, _ends(other.body)))
        other = other.orelse
    return chain, isinstance(other, cst.Else) and _ends(other.body)


def _ends(body: cst.BaseSuite) -> bool:
    """Whether a branch raises, or says something and exits."""
    *before, last = [_last_call(statement) for statement in body.body] or [None]
    raises = _is_raise(body.body[-1]) if body.body else False
    return raises or (last in _EXITS and all(name in _SAYS for name in before))


def _is_raise(statement: cst.CSTNode) -> bool:
    parts = statement.body if isinstance(statement, cst.SimpleStatementLine) else (statement,)
    return isinstance(parts[-1], cst.Raise)


def _last_call(statement: cst.CSTNode) -> str | None:
    """The name of the function or method that a statement calls last, if it does nothing else."""
    parts = statement.body if isinstance(statement, cst.SimpleStatementLine) else (statement,)
    match parts[-1]:
        case cst.Expr(
            value=cst.Call(func=cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name)))
        ):
            return name
    return None


def _options_in(m: Machine, test: cst.BaseExpression, scope: Scope) -> Iterator[cst.BaseExpression]:
    """The names in a test that have the defaults of options."""
    for node in [test, *below(test)]:
        match node:
            case cst.Attribute(value=owner) if dotted(owner):
                held = m.evaluate(owner, scope)
                if isinstance(held, Instance) and held.library == NAMESPACE:
                    value = held.attributes.get(node.attr.value)
                    if _is_plain(value) and value is not True:
                        yield node
            case cst.Name():
                if _is_default(m.evaluate(node, scope)):
                    yield node


def _is_plain(value: Value) -> bool:
    return value is None or isinstance(value, bool) or _is_default(value)


def _is_default(value: Value) -> bool:
    return isinstance(value, Text | Int | Float) and value.option is not None and not value.given_by


def _refusing_tests(
    m: Machine, chain: Chain, scope: Scope, *, rest_ends: bool
) -> list[cst.BaseExpression]:
    """The tests that certainly lead into a branch that ends the program."""
    for test, ends in chain:
        known = truth_of(m.evaluate(test, scope))
        if known is not False:
            return [test] if known is True and ends else []
    return [test for test, _ in chain] if rest_ends else []
