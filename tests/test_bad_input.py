"""Whatever the input: one clear diagnostic or silence, never a crash, never an endless run."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnlint.lint import engine
from bnlint.report import FORMATS
from tests import pace

Write = Callable[..., Path]
Run = Callable[..., Any]
DEFECTS = {"BN001", "BN003"}
HEAD = "import torch\nfrom torch import nn\n"

HEADERS = st.sampled_from(
    [
        "for x in loader:",
        "for i in range(10**9):",
        "while True:",
        "while n < 3:",
        "if flag:",
        "if n > 2:",
        "try:",
        "with torch.no_grad():",
        "def f(x, *args, y=net, **kwargs):",
        "async def g():",
        "class M(nn.Module):",
        "class N(M, Missing):",
        "match n:",
        "with open('a') as a, b:",
    ]
)
LINES = st.sampled_from(
    [
        "net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))",
        "net = net(net)",
        "net.append(nn.BatchNorm1d(*net, **net))",
        "net.eval()",
        "net.train(flag)",
        "self.net = M()",
        "super().__init__(self)",
        "f(f, f(f))",
        "f = lambda *a: f(*a)",
        "x = [y for x in net for y in x if y]",
        "x, *y = y, x = net, n",
        "n += 1",
        "n = n ** n ** n",
        "n = 'a' * 10**9",
        "n = [0] * 10**9",
        "n = 1 << 10**9",
        "loader = torch.utils.data.DataLoader(loader, n, shuffle=not n)",
        "M.__bases__ = (M,)",
        "net.net = net",
        "setattr(net, n, getattr(net, 'net', net))",
        "globals()[n] = net",
        "del net, missing",
        "return net",
        "yield net",
        "raise net",
        "from missing import *",
        "import missing.net as net",
        "exec('net')",
        "nn = nn.nn",
        "torch = None",
        "x = yield",
        "break",
        "pass",
        "print(f'{net!r:{n}}')",
        "net[n:n, ...][n] = net",
        "x = (y := net)",
        "global net",
        "assert net, n",
        "@net\ndef f(): return f()",
    ]
)


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        if depth < 3 and draw(st.booleans()):
            header = draw(HEADERS)
            inner = ["case _:"] if header == "match n:" else []
            body = ["    " + line for line in draw(blocks(depth=depth + 1))]
            lines += [header, *("    " + line for line in inner)]
            lines += ["    " + line for line in body] if inner else body
            lines += ["except Exception:", "    pass"] if header == "try:" else []
        else:
            lines += draw(LINES).split("\n")
    return lines


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(blocks())
def test_any_module_can_be_linted(lines: list[str]) -> None:
    found = engine.lint_text(HEAD + "\n".join(lines) + "\n")
    assert not DEFECTS & {finding.rule for finding in found}, found


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_linted(text: str) -> None:
    try:
        found = engine.lint_text("import torch\n" + text)
    except UnicodeEncodeError:  # lone surrogates are no file
        return
    assert not DEFECTS & {finding.rule for finding in found}, found


@pytest.mark.parametrize(
    "code",
    [
        "def f(n):\n    return f(n + 1)\nf(0)\n",
        "def f():\n    return g()\ndef g():\n    return f()\nf()\n",
        "class A(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.a = A()\nA()\n",
        "class A(nn.Module):\n    def forward(self, x):\n        return self(x)\nA()(1)\n",
        "f = lambda f: f(f)\nf(f)\n",
        "def f():\n    yield from f()\nlist(f())\n",
        "while True:\n    net = nn.Sequential(nn.BatchNorm2d(8))\n",
        "x = []\nfor y in x:\n    x.append(y)\nx.append(x)\nfor y in x:\n    x.append(y)\n",
        "class A(A): pass\nA()\n",
        "class P:\n    @property\n    def p(self):\n        return self.p\nP().p\n",
        "x = " + "(" * 90 + "1" + ")" * 90 + "\n",
        "x = " + "1 + " * 3000 + "1\n",
        "x = " + "[" * 500 + "]" * 500 + "\n",
        "net = nn.Sequential(*[nn.BatchNorm2d(8) for _ in range(10**12)])\n",
        "x = nn.Linear(1, 1)" + ".eval()" * 500 + "\n",
        "if x:\n    pass\n" + "elif x:\n    pass\n" * 1000,
    ],
)
def test_endless_and_deep_code_comes_to_an_end(code: str) -> None:
    with pace.within(20):
        found = engine.lint_text(HEAD + code)
    assert not DEFECTS & {finding.rule for finding in found}, found


def test_a_file_of_many_lines(project: Write, run: Run) -> None:
    block = (
        "class Net{n}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 8, 3)\n        self.bn = nn.BatchNorm2d(8)\n"
        "    def forward(self, x):\n        return self.bn(self.conv(x))\n"
    )
    root = project({"a.py": HEAD + "".join(block.replace("{n}", str(n)) for n in range(720))})
    with pace.within(60):
        printed = run("a.py", "--format", "concise", "--select", "BN201")
        assert run("a.py", "--fix", "--unsafe-fixes", "--select", "BN201").status == 0
    assert "Found 720 problems" in printed.out
    assert (root / "a.py").read_text().count("bias=False") == 720


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (b"import torch\nexec 'hello'\n", ":2:"),
        (b"import torch\nx = '\xe9'\n", ":2:"),
        (b"\x00\x01torch\xff", ":1:"),
        ("import torch\n".encode("utf-16"), ":1:"),
        (b"# -*- coding: klingon -*-\nimport torch\n", ":1:"),
        (b"import torch\nif x:\n", ":2:"),
    ],
)
def test_a_bad_file_is_one_line(project: Write, run: Run, content: bytes, column: str) -> None:
    project({"a.py": content})
    printed = run("a.py", "--format", "concise")
    assert printed.status == 1
    assert printed.err == ""
    line, summary = printed.out.splitlines()
    assert line.startswith(f"a.py{column}")
    assert " BN000 " in line
    assert summary == "Found 1 problem (1 error) in 1 file."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_file_without_permission_is_one_line(project: Write, run: Run) -> None:
    root = project({"a.py": HEAD})
    (root / "a.py").chmod(0)
    assert "BN000" in run("a.py", "--format", "concise").out


def test_names_that_are_not_unicode(project: Write, run: Run) -> None:
    root = project({})
    (root / os.fsdecode(b"n\xff.py")).write_text(HEAD + "net = nn.BatchNorm2d(3, momentum=0.99)\n")
    for form in FORMATS:
        assert run(".", "--format", form).status == 1
    assert run(".", "--fix").status == 0
