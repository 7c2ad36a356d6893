"""What holds for any program: linting ends, is repeatable, and changes of no meaning change nothing.

Programs are generated as small trees of statements around models, loaders, helpers and loops.
"""

import ast
import os
import re
from collections import Counter
from dataclasses import dataclass
from textwrap import indent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnlint.finding import Applicability
from bnlint.lint import engine
from bnlint.registry import rules
from bnlint.source import parse_text
from tests.rehearsing import HEAD

SETTINGS = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FIXED = int(os.environ.get("BNLINT_FIXED_PROGRAMS", "16"))
"""How many programs are fixed; each is linted once per round of fixes, and once more."""
INTERNAL = {"BN000", "BN001"}
"""Diagnostics about files and about bnlint itself."""


@dataclass(frozen=True)
class Program:
    """Classes and functions, and the statements of a script that uses them."""

    definitions: str
    script: str

    @property
    def text(self) -> str:
        return f"{HEAD}{self.definitions}\n{self.script}\n"


# -- generating -----------------------------------------------------------------------------------

LAYERS = st.sampled_from(
    [
        "nn.Conv2d(8, 8, 3, padding=1)",
        "nn.Conv2d(8, 8, 1, bias=False)",
        "nn.BatchNorm2d(8)",
        "nn.BatchNorm2d(8, 0.9)",
        "nn.BatchNorm2d(8, momentum=0.99)",
        "nn.BatchNorm2d(16)",
        "nn.Dropout(0.5)",
        "nn.ReLU(inplace=True)",
        "nn.Sequential(nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8), nn.ReLU())",
        "nn.ModuleList([nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)])[1]",
        "nn.Identity()",
        "nn.GroupNorm(2, 8)",
    ]
)
STEPS = st.sampled_from(
    [
        "x = self.{0}(x)",
        "x = x + self.{0}(x)",
        "x = F.relu(self.{0}(x))",
        "y = self.{0}(x)\nx = x * y",
        "if flag:\n    x = self.{0}(x)",
        "for i in range(2):\n    x = self.{0}(x)",
        "with torch.no_grad():\n    x = self.{0}(x)",
        "try:\n    x = self.{0}(x)\nexcept ValueError:\n    pass",
        "x = torch.cat([x, self.{0}(x)], 1)",
    ]
)
CONDITIONS = st.sampled_from(
    [
        "unknown()",
        "True",
        "False",
        "phase == 'train'",
        "args.debug",
        "net.training",
        "epoch > 3",
        "x",
    ]
)
SIMPLE = st.sampled_from(
    [
        "net = Net()",
        "net = nn.DataParallel(net)",
        "net.train()",
        "net.eval()",
        "net.eval",
        "net.train(unknown())",
        "net.a.eval()",
        "net(batch)",
        "output = net(batch)",
        "net(torch.randn(1, 8, 4, 4))",
        "loss = net(batch).mean()",
        "loss.backward()",
        "optimizer.zero_grad()",
        "optimizer.step()",
        "train_once(net, loader)",
        "evaluate(net, loader)",
        "phase = 'val'",
        "correct = net(batch).argmax(1) == target",
        "for x, y in loader:\n    F.mse_loss(net(x), y).backward()\n    optimizer.step()",
        "for x, y in loader:\n    total += (net(x).argmax(1) == y).sum().item()",
        "net.load_state_dict(torch.load('net.pt'))",
        "loader = DataLoader(data, batch_size=1, shuffle=False)",
        "loader = DataLoader(data, batch_size=args.batch)",
        "net.a = nn.BatchNorm2d(8)",
        "nets = [net for _ in range(3)]",
        "unknown(net)",
        "for p in net.parameters():\n    p.requires_grad = False",
        "import copy; other = copy.deepcopy(net)",
        "total += loss.item()",
        "assert net is not None",
        "del net",
        "raise ValueError",
        "print(net)",
    ]
)
HEADERS = st.one_of(
    CONDITIONS.map("if {}:".format),
    st.sampled_from(
        [
            "for epoch in range(100):",
            "for epoch in range(2):",
            "for batch, target in loader:",
            "for i, batch in enumerate(loader):",
            "for phase in ['train', 'val']:",
            "while unknown():",
            "while True:",
            "with torch.no_grad():",
            "with torch.set_grad_enabled(phase == 'train'):",
            "with unknown() as x:",
        ]
    ),
)
ENDS = st.sampled_from(["", "", "", "break", "continue", "pass"])


def joined(statements: list[str]) -> str:
    return "\n".join(statements) or "pass"


def blocks(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bodies = st.lists(children, min_size=1, max_size=4).map(joined)
    return st.one_of(
        st.tuples(HEADERS, bodies, ENDS).map(headed),
        st.tuples(CONDITIONS, bodies, bodies).map(
            lambda t: f"if {t[0]}:\n{indented(t[1])}\nelse:\n{indented(t[2])}"
        ),
        st.tuples(bodies, bodies).map(
            lambda t: f"try:\n{indented(t[0])}\nexcept KeyError:\n{indented(t[1])}"
        ),
        st.tuples(bodies, bodies).map(
            lambda t: f"try:\n{indented(t[0])}\nfinally:\n{indented(t[1])}"
        ),
    )


def headed(parts: tuple[str, str, str]) -> str:
    header, body, end = parts
    jumps = end == "pass" or header.startswith(("for", "while"))
    return f"{header}\n{indented(body)}" + (f"\n    {end}" if end and jumps else "")


def indented(body: str) -> str:
    return indent(body, "    ")


def scripts(most: int) -> st.SearchStrategy[str]:
    """Up to so many statements, and within each up to so many more."""
    statements = st.recursive(SIMPLE, blocks, max_leaves=most)
    return st.lists(statements, min_size=1, max_size=most).map(joined)


@st.composite
def models(draw: st.DrawFn) -> str:
    layers = draw(st.lists(LAYERS, min_size=1, max_size=4))
    built = "\n".join(f"self.{name} = {layer}" for name, layer in zip("abcd", layers, strict=False))
    steps = draw(st.lists(st.tuples(STEPS, st.sampled_from("abcd"[: len(layers)])), max_size=5))
    body = "\n".join([*(step.format(name) for step, name in steps), "return x"])
    init = indented(f"super().__init__()\n{built}")
    return (
        "class Net(nn.Module):\n    def __init__(self, flag=None):\n"
        f"{indented(init)}\n    def forward(self, x, flag=None):\n{indented(indented(body))}\n"
    )


@st.composite
def programs(draw: st.DrawFn, most: int = 8) -> Program:
    definitions = [draw(models())]
    for name in ("train_once", "evaluate"):
        body = draw(scripts(most))
        definitions.append(f"def {name}(net, loader):\n{indented(body)}\n")
    start = "net, phase, total = Net(), 'train', 0\nloader = DataLoader(data, 8)\n"
    body = start + draw(scripts(most))
    if draw(st.booleans()):
        body = f"def main():\n{indented(body)}\nmain()"
    return Program("\n".join(definitions), body)


def found(text: str) -> Counter[str]:
    findings = engine.lint_text(text, rules=rules().values())
    return Counter(finding.rule for finding in findings)


# -- properties -----------------------------------------------------------------------------------


@SETTINGS
@given(programs())
def test_a_lint_ends_without_a_crash_and_says_the_same_twice(program: Program) -> None:
    first = engine.lint_text(program.text, rules=rules().values())
    assert not {finding.rule for finding in first} & INTERNAL, program.text
    assert engine.lint_text(program.text, rules=rules().values()) == first


CHANGES = {
    "pass statements": lambda text: re.sub(r"(?m)^( *)(?=net\.|net\(|x = )", r"\1pass\n\1", text),
    "comments": lambda text: re.sub(r"(?m)$", "  # a comment", text.rstrip()),
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "other names": lambda text: re.sub(r"\bloader\b", "ldr", re.sub(r"\bbatch\b(?!=)", "b1", text)),
    "another class name": lambda text: re.sub(r"\bNet\b", "Network", text),
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "tabs": lambda text: text.replace("    ", "\t"),
}


@pytest.mark.parametrize("name", CHANGES)
@settings(SETTINGS, max_examples=8)
@given(program=programs())
def test_changes_of_no_meaning_change_no_rule(name: str, program: Program) -> None:
    changed = CHANGES[name](program.text)
    ast.parse(changed)
    assert found(changed) == found(program.text), changed


@settings(SETTINGS, max_examples=15)
@given(program=programs(), wrapper=st.sampled_from(["if True:", "for once in [0]:", "try:"]))
def test_code_that_runs_once_all_the_same(program: Program, wrapper: str) -> None:
    """Wrapped in ``if True:`` and the like."""
    end = "\nfinally:\n    pass" if wrapper == "try:" else ""
    script = f"{wrapper}\n{indented(program.script)}{end}"
    if wrapper.startswith("for") and re.search(r"(?m)^(break|continue|raise)", program.script):
        return
    wrapped = Program(program.definitions, script)
    assert set(found(wrapped.text)) == set(found(program.text)), wrapped.text


@settings(SETTINGS, max_examples=FIXED)
@given(programs(most=4))
def test_fixes_can_be_parsed_and_leave_nothing_to_fix(program: Program) -> None:
    targets = [engine.example(program.text)]
    plan = engine.default_plan(rules().values())
    allowed = (Applicability.SAFE, Applicability.UNSAFE)
    settled = engine.fix(targets, plan, allowed)
    text = next((change.after for change in settled.changes), program.text)
    ast.parse(text)
    parse_text(text)
    again = engine.fix([engine.example(text)], plan, allowed)
    assert not again.changes, text
    assert not {finding.rule for finding in again.result.findings} & INTERNAL


@settings(SETTINGS, max_examples=100)
@given(
    st.lists(
        st.sampled_from([*list("()[]{}:.,=*@ \n\t'\"\\"), "net", "nn.", "def f", "if ", "for "])
    )
)
def test_text_that_is_no_program_is_one_diagnostic(parts: list[str]) -> None:
    findings = engine.lint_text("import torch\n" + "".join(parts))
    assert len(findings) <= 1
    assert {finding.rule for finding in findings} <= {"BN000"}
