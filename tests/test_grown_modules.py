"""Modules that a loop of an unknown number of passes adds: two passes do not make a whole model."""

import pytest

from bnlint.facts.types.graph import ModelGraph
from tests.rehearsing import rehearse

BLOCK = """
class Net(nn.Module):
    def __init__(self, depth, widths):
        super().__init__()
{init}
    def forward(self, x):
{forward}
"""
LOOP = "for width in widths:"
RUN = "return self.body(x)"
GROWING = {
    "append": f"a = []\n{LOOP}\n    a.append(CONV)\n    a.append(BN)\nself.body = nn.Sequential(*a)",
    "extend": f"a = []\n{LOOP}\n    a.extend([CONV, BN])\nself.body = nn.Sequential(*a)",
    "added": f"a = []\n{LOOP}\n    a += [CONV, BN]\nself.body = nn.Sequential(*a)",
    "replaced": f"a = []\n{LOOP}\n    a = a + [CONV, BN]\nself.body = nn.Sequential(*a)",
    "copied": f"a = []\n{LOOP}\n    a += [CONV, BN]\nself.body = nn.Sequential(*[*a])",
    "handed on": f"a, b = [], []\n{LOOP}\n    a += [CONV, BN]\nb.extend(a)\n"
    "self.body = nn.Sequential(*b)",
    "counted": "a, i = [], 0\nfor i in range(depth):\n    a += [CONV, BN]\n"
    "self.body = nn.Sequential(*a)",
    "container": f"self.body = nn.Sequential()\n{LOOP}\n    self.body.append(CONV)\n"
    "    self.body.append(BN)",
    "named": "self.body = nn.Sequential()\nfor i in range(depth):\n"
    "    self.body.add_module(f'conv{i}', CONV)\n    self.body.add_module(f'bn{i}', BN)",
}


def graph(init: str, forward: str = RUN) -> ModelGraph:
    init = init.replace("CONV", "nn.Conv2d(8, 8, 3)").replace("BN", "nn.BatchNorm2d(8)")
    inner = ["\n".join(" " * 8 + line for line in text.splitlines()) for text in (init, forward)]
    code = BLOCK.format(init=inner[0], forward=inner[1])
    return next(g for g in rehearse(code).graphs if g.name == "Net")


def operations(made: ModelGraph) -> str:
    short = {"Conv2d": "conv", "BatchNorm2d": "bn", "unknown module": "?"}
    return " ".join(short.get(call.op, call.op) for call in made.calls[1:])


@pytest.mark.parametrize("init", GROWING.values(), ids=list(GROWING))
def test_passes_between_the_first_and_the_last_are_not_known(init: str) -> None:
    made = graph(init)
    assert operations(made) == "conv bn ? conv bn"
    assert not made.complete


def test_a_loop_over_known_items_adds_what_it_adds() -> None:
    made = graph(GROWING["append"].replace("in widths", "in (8, 8, 8)"))
    assert operations(made) == "conv bn conv bn conv bn"
    assert made.complete


def test_what_stands_around_the_passes_is_known() -> None:
    made = graph(
        "a = [BN]\nfor w in widths:\n    a.append(CONV)\nself.body = nn.Sequential(*a, BN)"
    )
    assert operations(made) == "bn conv ? conv bn"


def test_passes_that_put_modules_in_front() -> None:
    made = graph("a = [BN]\nfor w in widths:\n    a.insert(0, CONV)\nself.body = nn.Sequential(*a)")
    assert operations(made) == "conv ? conv bn"


def test_the_last_module_is_that_of_the_last_pass() -> None:
    made = graph(
        "a = []\nfor w in widths:\n    a += [CONV, BN]\na.pop()\nself.body = nn.Sequential(*a)"
    )
    assert operations(made) == "conv bn ? conv"
    made = graph(GROWING["append"].replace("*a)", "*a[:-1])"))
    assert operations(made) == "conv bn ? conv"


PAIRS = """
self.convs, self.bns = nn.ModuleList(), nn.ModuleList()
for i in range(depth):
    self.convs.append(CONV)
    self.bns.append(BN)
"""
WALKS = {
    "zip": "for conv, bn in zip(self.convs, self.bns):\n    x = bn(conv(x))",
    "enumerate": "for i, conv in enumerate(self.convs):\n    x = self.bns[i](conv(x))",
    "range": "for i in range(len(self.convs)):\n    x = self.bns[i](self.convs[i](x))",
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=list(WALKS))
def test_two_lists_of_the_same_passes_go_together(walk: str) -> None:
    made = graph(PAIRS, f"{walk}\nreturn x")
    calls = [call for call in made.calls if call.layer is not None and call.certain]
    names = [call.layer.name for call in calls if call.layer]
    assert names == ["convs.0", "bns.0", "convs.1", "bns.1"]
    assert calls[1].inputs == (calls[0].index,)
    assert calls[2].inputs != (calls[1].index,)
    assert calls[3].inputs == (calls[2].index,)


def test_nobody_knows_how_many_there_are() -> None:
    made = graph(
        "self.body = nn.ModuleList()\nfor w in widths:\n    self.body.append(CONV)",
        "if len(self.body) > 2:\n    x = x.relu()\nreturn x",
    )
    assert [call.certain for call in made.calls if call.op == "relu"] == [False]


def test_a_dict_under_unknown_names_is_no_whole_model() -> None:
    made = graph(
        "d = {}\nfor i in range(depth):\n    d[f'conv{i}'] = CONV\nself.body = nn.ModuleDict(d)",
        "for layer in self.body.values():\n    x = layer(x)\nreturn x",
    )
    assert not made.complete
