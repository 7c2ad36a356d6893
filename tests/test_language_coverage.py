"""Every statement and expression of Python has a meaning, or makes unknown what it touches."""

import inspect

import libcst as cst
import pytest

from bnlint.interpreter.core.dispatch import EXPRESSIONS, STATEMENTS, newer
from tests.rehearsing import modes, rehearse

ABSTRACT = (cst.BaseSmallStatement, cst.BaseCompoundStatement, cst.BaseStatement)
NEVER_EVALUATED = {
    **dict.fromkeys(newer("StarredDictComp"), "Python 3.15; it makes unknown what it touches"),
    cst.From: "it is a part of yield",
    cst.StarredElement: "displays take it apart",
    cst.StarredDictElement: "displays take it apart",
}


def subclasses(*bases: type) -> list[type]:
    every = [c for _, c in inspect.getmembers(cst, inspect.isclass) if issubclass(c, bases)]
    return [c for c in every if not c.__name__.startswith("Base")]


@pytest.mark.parametrize("kind", subclasses(*ABSTRACT), ids=lambda c: c.__name__)
def test_statements_are_followed(kind: type) -> None:
    assert kind in STATEMENTS


@pytest.mark.parametrize("kind", subclasses(cst.BaseExpression), ids=lambda c: c.__name__)
def test_expressions_are_followed(kind: type) -> None:
    assert kind in EXPRESSIONS or kind in NEVER_EVALUATED


def test_what_is_not_followed_is_not_known_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "net = Net()\nnet.train()\nwith open('x') as f:\n    net.eval()\nnet(x)\n"
    assert modes(rehearse(code, net=True)) == ["eval"]
    monkeypatch.delitem(STATEMENTS, cst.With)
    assert modes(rehearse(code, net=True)) == ["unknown"]
