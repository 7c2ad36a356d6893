"""Calls that are made again with equal arguments: what is remembered must be what executing gives."""

import pytest

from bnlint.interpreter.python import answers
from tests.rehearsing import rehearse, widths

PRINTED = "nn.Sequential(nn.BatchNorm2d({}))(torch.rand(2, 3, 8, 8))\n"


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The answers that were given without executing anything."""
    given: list[object] = []
    original = answers.Answer

    class Noted(original):  # type: ignore[misc, valid-type]
        __slots__ = ()

        def __getattribute__(self, name: str) -> object:
            value = super().__getattribute__(name)
            given.extend([value] if name == "value" else [])
            return value

    monkeypatch.setattr(answers, "Answer", Noted)
    return given


def called(definition: str, *between: str, call: str = "f()") -> list[object]:
    """What a function returns in its calls, each behind a statement."""
    code = "".join(f"{line}\n{PRINTED.format(call)}" for line in between)
    return widths(rehearse(definition + "\n" + code))


def test_the_third_call_is_answered(remembered: list[object]) -> None:
    double = "def f():\n    total = 0\n    for i in range(3):\n        total += i\n    return total"
    assert called(double, *["pass"] * 4) == [3, 3, 3, 3]
    assert remembered == [3, 3]


def test_other_arguments_are_other_calls(remembered: list[object]) -> None:
    loop = "def f(n):\n    return n * 2\nsizes = [f(n) for n in (1, 2, 1, 2, 1, 2)]\n"
    assert widths(rehearse(loop + "".join(PRINTED.format(f"sizes[{i}]") for i in range(6)))) == [
        2, 4, 2, 4, 2, 4
    ]  # fmt: skip
    assert not remembered  # numbers are as many as the places where they are written
    again = "def g(n):\n    return f(n)\ndef f(n):\n    return n * 2\n"
    code = "".join(PRINTED.format(f"g({name})") for name in ("A", "B") * 3)
    assert widths(rehearse(f"A, B = 1, 2\n{again}{code}")) == [2, 4] * 3
    assert sorted(remembered) == [2, 4]  # type: ignore[type-var]


CHANGES = {
    "global": ("N = 4\ndef f():\n    return N", "N = 5"),
    "item": ("T = {'n': 4}\ndef f():\n    return T['n']", "T['n'] = 5"),
    "function": ("def g(): return 4\ndef f():\n    return g()", "g = lambda: 5"),
    "class": ("class C: n = 4\ndef f():\n    return C.n", "C.n = 5"),
    "object": ("class C: pass\nc = C()\nc.n = 4\ndef f():\n    return c.n", "c.n = 5"),
    "default": ("D = [4]\ndef f(d=D):\n    return d[0]", "D[0] = 5"),
    "deep": ("N = 4\ndef g():\n    return N\ndef f():\n    return g()", "N = 5"),
    "closure": (
        "def outer():\n    n = [4]\n    return n, lambda: n[0]\nn, f = outer()",
        "n[0] = 5",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_it_reads_may_have_changed(name: str) -> None:
    definition, change = CHANGES[name]
    assert called(definition, "pass", "pass", "pass", change, "pass") == [4, 4, 4, 5, 5]


def test_what_changes_something_is_executed(remembered: list[object]) -> None:
    counter = "n = [0]\ndef f():\n    n[0] += 1\n    return 7"
    code = f"{counter}\nf()\nf()\nf()\nf()\n{PRINTED.format('n[0]')}"
    assert widths(rehearse(code)) == [4]
    assert not remembered


def test_what_trains_is_executed(remembered: list[object]) -> None:
    code = """
def f():
    net.eval()
    return 7
net = nn.BatchNorm2d(3)
f()
f()
net.train()
f()
net(torch.rand(2, 3, 8, 8))
"""
    (event,) = [e for run in rehearse(code).runs for e in run.events if hasattr(e, "norms")]
    assert {switch.training for switch in event.norms[0].mode} == {False}
    assert not remembered


def test_what_a_module_level_loop_rebinds_is_read_again() -> None:
    code = "def f():\n    return w\nfor w in (4, 4, 4, 5):\n    " + PRINTED.format("f()")
    assert widths(rehearse(code)) == [4, 4, 4, 5]


def test_a_branch_sees_what_it_changed() -> None:
    code = (
        "N = 4\ndef f():\n    return N\nf()\nf()\n"
        f"if unknown():\n    N = 5\n    {PRINTED.format('f()')}else:\n    {PRINTED.format('f()')}"
    )
    assert widths(rehearse(code)) == [5, 4]
