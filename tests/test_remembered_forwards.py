"""Forwards that are called again: what is remembered must be what executing gives."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.torch import script_forwards
from tests.rehearsing import forwards, modes, rehearse, widths
from tests.test_prototypes import said

FORWARDS = {
    "the same": "return self.bn(x)",
    "own mode": "return self.bn(x) if self.training else (self.bn(x), 4)",
    "mode of a part": "return self.bn(x) if self.bn.training else (self.bn(x), 4)",
    "mode of a part's part": "return self.bn(x) if self.body[0].training else (x, 4)",
    "by name": "return self.bn(x) if getattr(self, 'training') else (x, 4)",
    "among all attributes": "return self.bn(x) if self.__dict__['training'] else (x, 4)",
    "by vars": "return self.bn(x) if vars(self)['training'] else (x, 4)",
    "an argument": "return F.dropout(self.bn(x), 0.5, training=self.training)",
    "in a function": "return of_mode(self, x)",
    "in a property": "return self.bn(x) if self.trains else (x, 4)",
    "switches": "self.bn.eval()\nreturn self.bn(x)",
    "another model": "return self.bn(x) if other.training else (x, 4)",
    "keeps": "self.kept = x\nreturn self.bn(x)",
    "no gradients": "with torch.no_grad():\n    return self.bn(x)",
    "two ways": "return self.bn(x) if unknown() else x",
}
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(3)
        self.body = nn.Sequential(nn.BatchNorm2d(5), nn.ReLU())

    @property
    def trains(self):
        return self.training

    def forward(self, x):
        {}

def of_mode(module, x):
    return module.bn(x) if module.training else (x, 4)

net, other = Net(), nn.BatchNorm2d(6)
x = torch.rand(2, 3, 8, 8)
"""
STEPS = (
    "net.train()",
    "net.eval()",
    "net.bn.eval()",
    "net.body.eval()",
    "other.eval()",
    "other.train()",
    "net.train(unknown())",
    "if unknown():\n    net.eval()",
    "net.bn = nn.BatchNorm2d(3)",
)
CALL = "y = net(x)\nif isinstance(y, tuple):\n    nn.BatchNorm2d(y[1])(x)\nelse:\n    nn.BatchNorm2d(2)(y)\n"
"""What a forward returns shows in the layer that is built."""


def program(forward: str, *steps: str) -> str:
    """A model, and its calls, one behind each step."""
    body = FORWARDS[forward].replace("\n", "\n        ")
    return NET.format(body) + "".join(f"{step}\n{CALL}" for step in steps)


def executed(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
    """In the place of remembering: each forward is executed."""
    return script_forwards.record_forward(m, module, arguments, site)


def told(made: Rehearsal) -> tuple[object, ...]:
    """What rules may read."""
    return (
        tuple(said(made)),
        widths(made),
        modes(made),
        Counter(e.site.span for e in forwards(made)),
    )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FORWARDS)), st.lists(st.sampled_from(STEPS), min_size=2, max_size=6))
def test_what_is_remembered_is_what_executing_gives(forward: str, steps: list[str]) -> None:
    code = program(forward, *steps)
    remembered = told(rehearse(code))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_forwards, "_memoised", executed)
        assert told(rehearse(code)) == remembered


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of the models whose forwards were executed."""
    made: list[str] = []
    original = script_forwards.record_forward

    def noted(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
        made.append(module.type_name)
        return original(m, module, arguments, site)

    monkeypatch.setattr(script_forwards, "record_forward", noted)
    return made


@pytest.mark.parametrize("forward", FORWARDS)
def test_a_forward_is_executed_for_each_mode_that_it_asks_for(
    forward: str, executions: list[str]
) -> None:
    rehearse(program(forward, "net.train()", "net.eval()", "net.train()", "net.eval()"))
    once = {"the same", "another model", "two ways"}
    always = {"switches", "keeps", "no gradients"}
    expected = 1 if forward in once else 4 if forward in always else 2
    assert executions.count("Net") == expected


def test_a_loop_over_training_and_evaluation_executes_one_forward(executions: list[str]) -> None:
    code = """
    for epoch in range(90):
        net.train()
        for images, labels in loader:
            F.cross_entropy(net(images), labels).backward()
        net.eval()
        for images, labels in loader:
            net(images)
    """
    rehearse(NET.format(FORWARDS["the same"]) + "from unknown import loader\n" + "\n".join(
        line[4:] for line in code.splitlines()
    ))  # fmt: skip
    assert executions.count("Net") == 1
