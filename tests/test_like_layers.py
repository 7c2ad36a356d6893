"""What is done to one layer after another is executed once for those that are alike: with the same result."""

from collections.abc import Iterator
from textwrap import dedent, indent

import libcst as cst
import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.run import Forward, is_training
from bnlint.interpreter.library.torch_library import module_methods
from bnlint.interpreter.python import loops
from bnlint.interpreter.torch.like_layers import Treatment
from bnlint.source.name_bindings import read_first
from tests.rehearsing import rehearse

NET = """
STD, SCALES = 0.02, {{"conv": 0.5}}
def constant(layer, value=1.0):
    nn.init.constant_(layer.weight, value)
def initialise(m):
    if isinstance(m, nn.Conv2d):
        nn.init.xavier_normal_(m.weight)
class Net(nn.Module):
    gain = 0.1
    def __init__(self, width=4):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3)
        self.layers = nn.ModuleList()
        for bias in (True, False, True):
            self.layers += [nn.Conv2d(width, width, 3, bias=bias), nn.BatchNorm2d(width)]
        for _ in range(2):
            self.layers += [nn.Conv2d(width, width, 1), nn.BatchNorm2d(width, affine=False)]
            self.layers += [nn.Conv2d(width, width, 5), nn.BatchNorm2d(width)]
        self.last = nn.Linear(width, 10)
{init}

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.last(x.mean((2, 3)))
"""
USE = """
net = Net()
optimizer = optim.SGD(net.parameters(), 0.1)
for _ in range(9):
    optimizer.zero_grad()
    net(torch.rand(4, 3, 32, 32)).sum().backward()
    optimizer.step()
"""
ALIKE = {
    "constants": """
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                if m.weight is not None:
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)
    """,
    "a local name that each pass sets": """
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.normal_(0, (2. / n) ** 0.5)
                if m.bias is not None:
                    m.bias.data.zero_()
        self.n = n
    """,
    "a local name that a pass may leave": """
        n = 0
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0]
            elif isinstance(m, nn.BatchNorm2d) and m.affine:
                m.weight.data.fill_(n)
    """,
    "a function": """
        for m in self.modules():
            if isinstance(m, nn.BatchNorm2d) and m.weight is not None:
                constant(m, 0.25)
    """,
    "the bias by its name": """
        for m in self.modules():
            if hasattr(m, "bias") and m.bias is not None:
                nn.init.zeros_(m.bias)
    """,
    "apply": "self.apply(initialise)",
    "twice": """
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.normal_(m.weight, std=STD)
        for m in self.modules():
            if isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1:
                nn.init.normal_(m.weight, 0, 2 * STD)
    """,
}
NOT_ALIKE = {
    "counted": """
        count = 0
        for m in self.modules():
            count += 1
            if isinstance(m, nn.BatchNorm2d) and m.affine:
                nn.init.constant_(m.weight, count)
    """,
    "collected": """
        self.found = []
        for m in self.modules():
            self.found.append(m)
    """,
    "which one it is": """
        for m in self.modules():
            if m is self.stem:
                nn.init.zeros_(m.weight)
    """,
    "put into eval mode": """
        for m in self.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.eval()
    """,
    "another momentum": """
        for m in self.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.momentum = 0.5
    """,
    "gradients": """
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                m.weight.requires_grad = False
    """,
    "one of many": """
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.zeros_(m.weight)
                break
    """,
}


@pytest.fixture
def repeated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of the layers that were treated like others."""
    found: list[str] = []
    usual = Treatment.repeat

    def noted(treatment: Treatment, m: object, layer: object, names: object) -> None:
        found.append(layer.library)  # type: ignore[attr-defined]
        usual(treatment, m, layer, names)  # type: ignore[arg-type]

    monkeypatch.setattr(Treatment, "repeat", noted)
    return found


def net(init: str) -> str:
    return NET.format(init=indent(dedent(init), " " * 8)) + USE


def said(made: Rehearsal) -> Iterator[object]:
    """What rules may read of layers and of their modes."""
    for g in made.graphs:
        for layer in g.layers:
            yield layer.name, dict(layer.initial), layer.drawn, layer.frozen, layer.refilled
            yield {name: site.span for name, site in layer.filled_at.items()}
            yield {name: site.span for name, site in (layer.reads or {}).items()}
            yield {name: a.value for name, a in layer.assigned.items()}
    for run in made.runs:
        for event in run.of_type(Forward):
            yield [(n.name, is_training(n.mode), n.frozen) for n in event.norms]


def executed(monkeypatch: pytest.MonkeyPatch, script: str) -> list[object]:
    """What is said where each pass and call is executed."""
    with monkeypatch.context() as patch:
        for module in (loops, module_methods):
            patch.setattr(module, "treated", lambda *given: given[-1]())
        return list(said(rehearse(script)))


@pytest.mark.parametrize("name", ALIKE)
def test_layers_that_are_alike_are_treated_alike(
    name: str, repeated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = net(ALIKE[name])
    assert list(said(rehearse(script))) == executed(monkeypatch, script)
    assert "torch.nn.BatchNorm2d" in repeated
    assert "torch.nn.Conv2d" in repeated


@pytest.mark.parametrize("name", NOT_ALIKE)
def test_what_depends_on_more_than_the_layer_is_executed(
    name: str, repeated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = net(NOT_ALIKE[name])
    assert list(said(rehearse(script))) == executed(monkeypatch, script)
    if name in ("counted", "collected", "which one it is"):
        assert not repeated


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.init.constant_(m.weight, STD)", "STD = 0.5"),
        ("nn.init.constant_(m.weight, SCALES['conv'])", "SCALES['conv'] = 0.75"),
        ("nn.init.constant_(m.weight, Net.gain)", "Net.gain = 0.9"),
        ("constant(m)", "def constant(layer):\n    nn.init.constant_(layer.weight, 0.3)"),
    ],
)
def test_what_is_read_on_the_way_may_change(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = net(f"for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        {before}")
    script += f"{after}\nother = Net(6)\nother(torch.rand(4, 3, 32, 32))\n"
    made = rehearse(script)
    assert list(said(made)) == executed(monkeypatch, script)
    first, second = (
        {layer.initial["weight"] for layer in g.layers if "weight" in layer.initial}
        for g in made.graphs
    )
    assert len(first) == len(second) == 1
    assert first != second


def test_conditions_around_decide_on_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = "for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        nn.init.zeros_(m.weight)"
    script = net(loop + f"\nif unknown():\n{indent(loop, '    ')}")
    assert list(said(rehearse(script))) == executed(monkeypatch, script)


def test_a_layer_in_eval_mode_is_not_like_one_in_train_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill = "for m in {}.modules():\n    if isinstance(m, nn.BatchNorm2d) and m.training:\n        m.requires_grad_(False)\n"
    script = net("pass") + "def fill(net):\n" + indent(fill.format("net"), "    ")
    script += "a, b = Net(), Net().eval()\nfill(a)\nfill(b)\n"
    script += "".join(f"{name}(torch.rand(4, 3, 32, 32))\n" for name in "ab")
    made = rehearse(script)
    assert list(said(made)) == executed(monkeypatch, script)
    events = [event for run in made.runs for event in run.of_type(Forward)][-2:]
    assert [event.norms[0].frozen for event in events] == [Known.YES, Known.NO]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a = b\nc = a", {"b"}),
        ("a += 1", {"a"}),
        ("a = a + 1", {"a"}),
        ("a, b = c", {"a", "b", "c"}),
        ("if a:\n    b = 1\nd = b", {"a", "b"}),
        (
            "if a:\n    b = 1\n    c = b\nelif d:\n    b\nelse:\n    e = f\n    e",
            {"a", "b", "d", "f"},
        ),
        ("for i in a:\n    i", {"i", "a"}),
        ("a = 1\nwith a as b:\n    a", {"b"}),
        ("a.b = c", {"a", "c"}),
    ],
)
def test_names_that_statements_may_read_before_they_set_them(code: str, names: set[str]) -> None:
    assert read_first(cst.IndentedBlock(cst.parse_module(code).body)) == names


CALL = "{0}(torch.rand(4, 3, 32, 32))\n"
FILL = """
def fill(net):
    for m in net.modules():
        if isinstance(m, nn.Conv2d) and {0}:
            nn.init.zeros_(m.weight)
"""
APART = {
    "the mode": (
        FILL.format("m.training") + "a, b = Net(), Net().eval()\nfill(a)\nfill(b)\n",
        "ab",
    ),
    "the conditions around": (
        FILL.format("True") + "a, b = Net(), Net()\nfill(a)\nif unknown():\n    fill(b)\n",
        "ab",
    ),
    "an object": (
        "class Holder: pass\nholder = Holder()\na = Net()\nholder.special = a.stem\n"
        + FILL.format("m is not holder.special")
        + "fill(a)\n",
        "a",
    ),
}


@pytest.mark.parametrize("name", APART)
def test_what_layers_do_not_share_keeps_them_apart(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, called = APART[name]
    script = net("pass") + code + "".join(map(CALL.format, called))
    assert list(said(rehearse(script))) == executed(monkeypatch, script)


def test_what_a_pass_writes_elsewhere_is_written_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = "for m in [*self.modules(), self.stem]:\n    if isinstance(m, nn.Conv2d):\n"
    script = net(
        f"{loop}        Net.last = m.kernel_size[0]\nnn.init.constant_(self.stem.weight, Net.last)"
    )
    made = rehearse(script)
    assert list(said(made)) == executed(monkeypatch, script)
    assert made.graphs[0].layers[1].initial["weight"] == 3


def test_a_pass_that_ends_the_loop_ends_it_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    script = net(NOT_ALIKE["one of many"]) + "other = Net(6)\n" + CALL.format("other")
    assert list(said(rehearse(script))) == executed(monkeypatch, script)


def test_what_is_repeated_tells_who_remembers_the_constructor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    init = "for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        constant(m, STD)"
    script = net(init) + "again = Net()\nSTD = 0.5\nother = Net()\n" + CALL.format("other")
    made = rehearse(script)
    assert list(said(made)) == executed(monkeypatch, script)
    assert {layer.initial.get("weight") for layer in made.graphs[-1].layers} == {None, 0.5}
