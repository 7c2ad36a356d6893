"""Modules that are built again: a copy must be as good as executing the constructor again."""

from collections.abc import Iterator
from textwrap import dedent, indent

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.run import Forward, is_training
from bnlint.interpreter.python import construction
from bnlint.interpreter.torch import prototypes
from tests.rehearsing import graph, rehearse, widths

BLOCK = """
class Block(nn.Module):
    def __init__(self, width=4):
        super().__init__()
{init}

    def forward(self, x):
        return self.bn(x)
"""
IMAGES = "torch.rand(2, 4, 8, 8)"


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of the modules that were copied."""
    made: list[str] = []
    original = prototypes._Copy.made

    def noted(copy: prototypes._Copy) -> object:
        made.append(copy.prototype.root.type_name)
        return original(copy)

    monkeypatch.setattr(prototypes._Copy, "made", noted)
    return made


def executed(
    m: object, cls: object, arguments: object, site: object, build: prototypes.Build
) -> object:
    """In the place of copying: the constructor is executed each time."""
    return build()


def block(init: str = "self.bn = nn.BatchNorm2d(width)") -> str:
    return BLOCK.format(init=indent(dedent(init), " " * 8))


def used(*built: str) -> str:
    """Build modules one after the other, then call each."""
    made = "".join(f"net{i} = {code}\n" for i, code in enumerate(built))
    return made + "".join(f"net{i}({IMAGES})\n" for i in range(len(built)))


def test_the_third_one_is_copied_and_stands_where_it_is_built(copies: list[str]) -> None:
    made = rehearse(block() + used("Block()", "Block()", "Block()", "Block(5)"))
    assert copies == ["Block"]
    assert widths(made) == [4, 4, 4, 5]
    lines = [event.model.site.span.line for r in made.runs for event in r.of_type(Forward)]
    assert lines == sorted(set(lines))


def test_a_copy_has_its_own_mode_and_parameters(copies: list[str]) -> None:
    code = "a, b, c = Block(), Block(), Block()\nc.eval()\nc.bn.weight.requires_grad = False\n"
    made = rehearse(block() + code + "".join(f"{name}({IMAGES})\n" for name in "abc"))
    events = [event for run in made.runs for event in run.of_type(Forward)]
    assert [is_training(event.norms[0].mode) for event in events] == [
        Known.YES,
        Known.YES,
        Known.NO,
    ]
    assert [len(g.layers[-1].frozen) for g in made.graphs] == [0, 0, 1]
    assert copies == ["Block"]


def test_what_came_after_building_is_not_copied(copies: list[str]) -> None:
    code = "a, b = Block(), Block()\nb.eval()\nb.bn = nn.BatchNorm2d(7)\nc = Block()\n"
    made = rehearse(block() + code + f"c({IMAGES})\n")
    assert copies == ["Block"]
    assert widths(made) == [4, 7, 4]
    (event,) = [event for run in made.runs for event in run.of_type(Forward)]
    assert is_training(event.norms[0].mode) is Known.YES


def test_layers_that_are_shared_stay_shared(copies: list[str]) -> None:
    init = "self.bn = self.again = nn.BatchNorm2d(width)\nself.all = [self.bn]"
    made = rehearse(block(init) + used(*["Block()"] * 3))
    assert copies == ["Block"]
    assert {len(g.layers) for g in made.graphs} == {2}


def test_modules_within_modules_are_copied_with_them(copies: list[str]) -> None:
    net = """
    class Net(nn.Module):
        def __init__(self, depth):
            super().__init__()
            self.body = nn.Sequential(*[Block() for _ in range(depth)])

        def forward(self, x):
            return self.body(x)
    """
    made = rehearse(block() + dedent(net) + "def net(): return Net(3)\n" + used(*["net()"] * 3))
    assert copies == ["Block"] * 4 + ["Net"]
    assert [len(g.calls) for g in made.graphs] == [4, 4, 4]
    entered = [{x.chain[-1].span.line for x in g.layers if x.chain} for g in made.graphs]
    assert [len(lines) for lines in entered] == [1, 1, 1]
    assert len(set.union(*entered)) == 3


OTHER = """
def other(self):
    nn.Module.__init__(self)
    self.bn = nn.BatchNorm2d(5)
"""
CHANGES = {
    "global": ("self.bn = nn.BatchNorm2d(WIDTH)", "WIDTH = 4", "WIDTH = 5"),
    "global table": ("self.bn = nn.BatchNorm2d(SIZES['a'][0])", "SIZES = {'a': [4]}", "SIZES['a'][0] = 5"),
    "class": ("self.bn = nn.BatchNorm2d(self.width)", "Block.width = 4", "Block.width = 5"),
    "function": ("self.bn = make()", "def make(): return nn.BatchNorm2d(4)", "def make(): return nn.BatchNorm2d(5)"),
    "constructor": ("self.bn = nn.BatchNorm2d(4)", OTHER, "Block.__init__ = other"),
    "object": ("self.bn = nn.BatchNorm2d(cfg.width)", "class C: pass\ncfg = C()\ncfg.width = 4", "cfg.width = 5"),
    "counter": ("Block.n += 1\nself.bn = nn.BatchNorm2d(Block.n)", "Block.n = 1", "Block.n = 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_it_reads_may_have_changed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    init, before, after = CHANGES[name]
    code = f"{before}\na, b, c = Block(), Block(), Block()\n{after}\nd = Block()\n"
    script = block(init) + code + f"c({IMAGES})\nd(torch.rand(2, 5, 8, 8))\n"
    made = rehearse(script)
    assert 5 in widths(made)
    monkeypatch.setattr(construction, "built_or_copied", executed)
    assert widths(made) == widths(rehearse(script))


def test_a_list_that_all_of_them_fill_is_filled_by_all(copies: list[str]) -> None:
    init = "self.bn = nn.BatchNorm2d(width)\nevery.append(self.bn)"
    code = "every = []\na, b, c = Block(), Block(), Block()\nnet = nn.Sequential(*every)\n"
    made = rehearse(block(init) + code + f"net({IMAGES})\n")
    assert not copies
    assert len(graph(made, "Sequential").calls) == 4


def test_a_default_that_grows_is_not_copied(copies: list[str]) -> None:
    code = (
        block()
        .replace("width=4", "width=4, kept=[]")
        .replace("self.bn =", "kept.append(1); self.bn =")
    )
    rehearse(code + used(*["Block()"] * 3))
    assert not copies


def test_conditions_around_a_copy_are_those_of_its_place(copies: list[str]) -> None:
    code = "a, b = Block(), Block()\nif unknown():\n    c = Block()\nelse:\n    c = nn.Identity()\n"
    made = rehearse(block() + code + f"c({IMAGES})\n")
    assert copies == ["Block"]
    (event,) = [event for run in made.runs for event in run.of_type(Forward)]
    assert not event.context.certain


SCRIPTS = {
    "residual": """
        class Bottleneck(nn.Module):
            expansion = 4
            def __init__(self, inputs, width, stride=1, down=None, norm=None):
                super().__init__()
                norm = norm or nn.BatchNorm2d
                self.conv1 = nn.Conv2d(inputs, width, 1, bias=True)
                self.bn1 = norm(width)
                self.conv2 = nn.Conv2d(width, width * self.expansion, 3, stride, 1, bias=False)
                self.bn2 = norm(width * self.expansion, momentum=0.99)
                self.down = down
                nn.init.constant_(self.bn2.weight, 0)
            def forward(self, x):
                y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
                return (y + (x if self.down is None else self.down(x))).relu()

        class Net(nn.Module):
            def __init__(self, blocks, norm=None):
                super().__init__()
                self.inputs = 16
                self.stem = nn.Conv2d(3, 16, 7)
                self.stages = nn.ModuleList([self.stage(8 * 2 ** i, n, norm) for i, n in enumerate(blocks)])
                for module in self.modules():
                    if isinstance(module, nn.Conv2d):
                        nn.init.kaiming_normal_(module.weight)
            def stage(self, width, count, norm):
                down = nn.Sequential(nn.Conv2d(self.inputs, width * 4, 1), nn.BatchNorm2d(width * 4))
                layers = [Bottleneck(self.inputs, width, 1, down, norm)]
                self.inputs = width * 4
                layers += [Bottleneck(self.inputs, width, norm=norm) for _ in range(1, count)]
                return nn.Sequential(*layers)
            def forward(self, x):
                x = self.stem(x)
                for stage in self.stages:
                    x = stage(x)
                return x

        for net in Net([3, 4]), Net([3, 4]), Net([3, 4]), Net([2, 2], nn.InstanceNorm2d), Net([3, 4]):
            optimizer = optim.SGD(net.parameters(), 0.1)
            loss = net(torch.rand(2, 3, 32, 32)).sum()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                accuracy = (net(torch.rand(2, 3, 32, 32)).argmax(1) == 1).float().mean().item()
                print(accuracy)
    """,
    "unknown sizes": """
        class Unit(nn.Module):
            def __init__(self, a, b):
                super().__init__()
                self.body = nn.Sequential(nn.Conv2d(a, b, 3), nn.BatchNorm2d(b), nn.ReLU())
                if a != b:
                    self.skip = nn.Conv2d(a, b, 1)
            def forward(self, x):
                return self.body(x)

        class Net(nn.Module):
            def __init__(self, n):
                super().__init__()
                self.a, self.b, self.c, self.d = Unit(n, 8), Unit(8, 8), Unit(n, 8), Unit(8, 8)
                self.e = Unit(8, 8)
            def forward(self, x):
                return self.e(self.d(self.b(self.a(x))))

        n = int(input())
        nets = [Net(n), Net(n), Net(n)]
        nets[2].eval()
        for net in nets:
            net(torch.rand(2, n, 8, 8)).sum().backward()
    """,
}  # fmt: skip


@pytest.fixture(params=SCRIPTS.values(), ids=list(SCRIPTS))
def script(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_copies_say_what_executing_says(
    script: str, copies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = list(said(rehearse(script)))
    assert copies
    monkeypatch.setattr(construction, "built_or_copied", executed)
    assert list(said(rehearse(script))) == copied


def said(made: Rehearsal) -> Iterator[object]:
    """What rules may read of graphs and forwards."""
    for g in made.graphs:
        yield g.name, g.complete, g.site.span
        for layer in g.layers:
            yield layer.name, layer.type, layer.site.span, [s.span for s in layer.chain]
            yield (
                {k: layer.arguments[k].value for k in layer.arguments},
                layer.aliases,
                layer.frozen,
            )
            yield layer.certain, layer.initial, layer.drawn
        yield [(c.op, c.inputs, c.site and c.site.span, c.certain) for c in g.calls]
    for run in made.runs:
        for event in run.of_type(Forward):
            yield event.model.name, event.site.span, event.grad, event.measured
            yield [(n.name, is_training(n.mode), n.frozen) for n in event.norms]
