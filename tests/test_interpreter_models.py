"""What the rehearsal makes of model code: names, conditions, and the order of calls."""

from pathlib import Path
from textwrap import dedent, indent

import pytest

from bnlint.facts.types.graph import ModelGraph, Shape
from bnlint.facts.types.kind import Kind
from bnlint.interpreter import graph_of

HEADER = """
import torch, functools, itertools, math, operator, os, re
import numpy as np
import torch.nn.functional as F
from collections import OrderedDict, namedtuple
from typing import NamedTuple
from torch import nn
"""


def graph(folder: Path, code: str, expression: str = "Net()") -> ModelGraph:
    file = folder / "model.py"
    file.write_text(HEADER + dedent(code))
    return graph_of(file, expression)


def module(init: str, forward: str = "return x") -> str:
    """A module class by the bodies of its methods."""
    return (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        + indent(dedent(init), " " * 8)
        + "\n    def forward(self, x):\n"
        + indent(dedent(forward), " " * 8)
        + "\n"
    )


def called(made: ModelGraph) -> list[str]:
    """The layers that are called, in order, each marked where it is not certain."""
    layers = [(call.layer.name, call.certain) for call in made.calls if call.layer is not None]
    return [name if certain else f"{name}?" for name, certain in layers]


SEQUENCE = """
self.body = nn.Sequential()
for name in names:
    self.body.add_module(name, nn.ReLU())
"""


@pytest.mark.parametrize(
    ("prepared", "expected"),
    [
        pytest.param('names = ["unit{}".format(i + 1) for i in range(2)]', "unit1 unit2"),
        pytest.param('names = ["{:02d}-{name}".format(7, name="a")]', "07-a"),
        pytest.param('names = [f"{i:02d}{{}}" for i in range(2)]', "00{} 01{}"),
        pytest.param("names = [f\"{'a'!r}{1.5:.2f}\"]", "'a'1.50"),
        pytest.param('names = ["%s%03d" % ("a", i) for i in (1, 2)]', "a001 a002"),
        pytest.param('names = sorted(["bb", "a"], key=len)', "a bb"),
        pytest.param('names = sorted({"b": 1, "a": 2}, reverse=True)', "b a"),
        pytest.param('names = [max(["a", "bbb"], key=len), min("d", "c")]', "bbb c"),
        pytest.param('names = ["a" + str(i) for i, _ in enumerate("xy", start=3)]', "a3 a4"),
        pytest.param('names = ["".join(p) for p in itertools.product("ab", "cd")]', "ac ad bc bd"),
        pytest.param('names = list(itertools.chain.from_iterable([["a"], ["b"]]))', "a b"),
        pytest.param('names = functools.reduce(operator.add, [["a"], ["b"]])', "a b"),
        pytest.param('names = sum([["a"], ["b"]], [])', "a b"),
        pytest.param('names = list(map("{}{}".format, "ab", "cd"))', "ac bd"),
        pytest.param('it = iter(["a", "b"])\nnames = [next(it), next(it), next(it, "c")]', "a b c"),
        pytest.param('names = re.split("-", "a-b") + [os.path.join("c", "d")]', "a b c/d"),
        pytest.param('names = ["a"] * 1 + ["b"] * any([0, 1]) + ["c"] * all([0, 1])', "a b"),
        pytest.param('names = list(tuple[str, ...](["a", "b"]))', "a b"),
    ],
)
def test_names_that_are_computed_are_known(tmp_path: Path, prepared: str, expected: str) -> None:
    made = graph(tmp_path, module(prepared + SEQUENCE, "return self.body(x)"))
    assert called(made) == [f"body.{name}" for name in expected.split()]


@pytest.mark.parametrize(
    ("condition", "decided"),
    [
        pytest.param("None is False", "no"),
        pytest.param("True", "yes"),
        pytest.param("isinstance((nn.ReLU, 1), nn.Conv2d)", "no", id="a tuple is no layer"),
        pytest.param("isinstance(len, nn.Module)", "no", id="a function is no layer"),
        pytest.param('isinstance("relu", torch._six.string_classes)', "yes"),
        pytest.param("isinstance(nn.ReLU, torch._six.string_classes)", "no"),
        pytest.param("isinstance(8, (torch._six.int_classes, str))", "yes"),
        pytest.param('hasattr(nn, "SiLU")', "yes"),
        pytest.param('hasattr(nn.MaxPool2d(2), "skip_input")', "no"),
        pytest.param('hasattr(nn.Conv2d(1, 1, 1), "weight")', "yes"),
        pytest.param("type(x) is torch.Tensor", "yes"),
        pytest.param("type(None) == nn.BatchNorm2d", "no"),
        pytest.param("type(self.forward) == nn.BatchNorm2d", "no"),
        pytest.param("type(self.bn) == nn.BatchNorm2d", "yes"),
        pytest.param("self.conv(x).shape[1] == 8", "yes"),
        pytest.param("self.conv(x).size(1) == 4", "no"),
        pytest.param("self.conv(x).dim() == 4 and len(self.conv(x).shape) == 4", "yes"),
        pytest.param("x.shape[1] == 8", "maybe", id="channels that are not known"),
        pytest.param("self.conv(x).shape[2] == 8", "maybe", id="heights are never known"),
    ],
)
def test_conditions_are_decided_where_they_can_be(
    tmp_path: Path, condition: str, decided: str
) -> None:
    init = "self.conv = nn.Conv2d(3, 8, 1)\nself.bn = nn.BatchNorm2d(8)"
    made = graph(tmp_path, module(init, f"if {condition}:\n    x = self.bn(x)\nreturn x"))
    norms = [call.certain for call in made.calls if call.kind is Kind.BATCH_NORM]
    assert norms == {"yes": [True], "no": [], "maybe": [False]}[decided]


def test_sizes_of_a_tensor_can_be_unpacked(tmp_path: Path) -> None:
    init = "self.conv = nn.Conv2d(3, 8, 1)"
    made = graph(
        tmp_path, module(init, "b, c, h, w = self.conv(x).size()\nreturn x.view(b, c, -1)")
    )
    assert made.calls[-1].shape == Shape(3, None, 8)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param("del body[-1]", "body.0 body.1", id="deleting numbers the rest anew"),
        pytest.param("del body[0]", "body.0 body.1"),
        pytest.param("del body[1:]", "body.0"),
        pytest.param("del body.b", "body.a body.c", id="deleting an attribute keeps names"),
        pytest.param("body = body[1:]", "body.b body.c", id="slicing keeps names"),
        pytest.param("body = nn.Sequential(*body[:2])", "body.0 body.1"),
        pytest.param("body = nn.Sequential(*list(body.children())[:-1])", "body.0 body.1"),
        pytest.param("body = nn.ModuleList(body.children())[1:]", "body.0 body.1"),
    ],
)
def test_parts_of_containers_have_the_names_that_torch_gives_them(
    tmp_path: Path, change: str, expected: str
) -> None:
    init = f"""
    body = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh(), c=nn.ELU()))
    {change}
    self.body = body
    """
    made = graph(tmp_path, module(init, "for layer in self.body:\n    x = layer(x)\nreturn x"))
    assert called(made) == expected.split()


def test_a_list_of_tensors_has_a_length(tmp_path: Path) -> None:
    forward = """
    outs = [x]
    for layer in self.down._modules.values():
        outs.append(layer(outs[-1]))
    for i in range(len(outs)):
        if i != 0:
            x = self.up[len(outs) - 1 - i](x)
    return x
    """
    init = "self.down = nn.Sequential(nn.ReLU(), nn.ELU())\nself.up = nn.Sequential(nn.ELU(), nn.SELU())"
    made = graph(tmp_path, module(init, forward))
    assert called(made) == ["down.0", "down.1", "up.1", "up.0"]


TREE = """
class Net(nn.Module):
    def __init__(self, level=6):
        super().__init__()
        self.leaf = nn.BatchNorm2d(level)
        if level > 1:
            self.__setattr__("level_%d" % level, Net(level - 1))
        self.level = level

    def forward(self, x):
        if self.level > 1:
            x = self.__getattr__("level_%d" % self.level)(x)
        return self.leaf(x)
"""


def test_recursion_with_a_known_end_is_followed_to_it(tmp_path: Path) -> None:
    names = called(graph(tmp_path, TREE))
    assert len(names) == 6
    assert names[0] == "level_6.level_5.level_4.level_3.level_2.leaf"


def test_recursion_without_a_known_end_is_given_up(tmp_path: Path) -> None:
    forward = "return self.split(x)"
    code = module("self.act = nn.ReLU()", forward) + indent(
        dedent("""
        def split(self, x):
            if x.sum() > 0:
                return self.split(x) + self.split(self.act(x))
            return x
        """),
        "    ",
    )
    made = graph(tmp_path, code)
    assert not made.complete
    assert len(made.calls) < 200


@pytest.mark.parametrize(
    "widths",
    [
        pytest.param("[int(w) for w in np.linspace(8, 16, 2)]"),
        pytest.param("(np.round(np.arange(2) * 8.2 / 8) * 8 + 8).astype(int)"),
        pytest.param("np.unique([8, 16, 8], return_counts=True)[0].tolist()"),
        pytest.param("(8 * np.power(2, np.arange(2))).tolist()"),
        pytest.param("[int(8 * 2 ** x.item()) for x in torch.linspace(0, 1, 2)]"),
        pytest.param("np.cumsum(np.array([8, 8]))"),
    ],
)
def test_widths_computed_with_arrays_are_known(tmp_path: Path, widths: str) -> None:
    init = f"self.norms = nn.Sequential(*[nn.BatchNorm2d(int(w)) for w in {widths}])"
    made = graph(tmp_path, module(init))
    assert [layer.channels for layer in made.of_kind(Kind.BATCH_NORM)] == [8, 16]


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param('Block = namedtuple("Block", "name width")'),
        pytest.param('Block = namedtuple("Block", ["name", "width"], defaults=[8])'),
        pytest.param("class Block(NamedTuple):\n    name: str\n    width: int = 8"),
    ],
)
def test_named_tuples_hold_settings(tmp_path: Path, definition: str) -> None:
    init = """
    for block in (Block("a", 8), Block(name="b", width=16)):
        name, width = block
        assert width == block.width
        setattr(self, name, nn.BatchNorm2d(block[1]))
    """
    made = graph(tmp_path, definition + "\n" + module(init))
    norms = {layer.name: layer.channels for layer in made.of_kind(Kind.BATCH_NORM)}
    assert norms == {"a": 8, "b": 16}


FUNCTIONAL = """
class Conv(nn.Conv2d):
    def forward(self, x):
        {}
        return F.conv2d(x, weight, self.bias, self.stride)
"""


def test_a_layer_with_a_forward_of_its_own_is_the_producer(tmp_path: Path) -> None:
    code = FUNCTIONAL.format("weight = self.weight")
    made = graph(tmp_path, code + module("self.conv = Conv(3, 8, 1)", "return self.conv(x)"))
    assert called(made) == ["conv"]


def test_a_layer_that_changes_its_weight_is_not_taken_for_a_plain_one(tmp_path: Path) -> None:
    code = FUNCTIONAL.format("weight = self.weight[:4] * 2")
    made = graph(tmp_path, code + module("self.conv = Conv(3, 8, 1)", "return self.conv(x)"))
    assert [call.kind for call in made.calls][-1] is Kind.CONV
    assert called(made) == []


@pytest.mark.parametrize("weight", ["self.weight - self.weight.mean()", "self.weight / 2"])
def test_one_that_computes_a_weight_of_the_same_shape_is(weight: str, tmp_path: Path) -> None:
    code = FUNCTIONAL.format(f"weight = {weight}")
    made = graph(tmp_path, code + module("self.conv = Conv(3, 8, 1)", "return self.conv(x)"))
    assert called(made) == ["conv"]


def test_a_subclass_of_the_common_base_is_a_batch_norm(tmp_path: Path) -> None:
    code = """
    class Sync(nn.modules.batchnorm._BatchNorm):
        def forward(self, x):
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)
    """
    made = graph(tmp_path, dedent(code) + module("self.bn = Sync(8)", "return self.bn(x)"))
    assert [layer.name for layer in made.of_kind(Kind.BATCH_NORM)] == ["bn"]
    assert called(made) == ["bn"]


def test_a_module_whose_base_is_not_known_is_not_skipped_in_a_sequence(tmp_path: Path) -> None:
    code = """
    from somewhere.else_ import *

    class Block(Base):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 1)

        def forward(self, x):
            return self.conv(x)
    """
    init = "self.body = nn.Sequential(Block(), nn.BatchNorm2d(8))"
    made = graph(tmp_path, dedent(code) + module(init, "return self.body(x)"))
    assert called(made) == ["body.0.conv", "body.1"]


def test_an_object_that_a_container_keeps_is_no_child(tmp_path: Path) -> None:
    code = """
    class Scheme(object):
        def __call__(self, layer, x):
            return layer(x)

    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(nn.ReLU(), nn.Tanh())
            self.scheme = Scheme()

        def forward(self, x):
            for layer in self._modules.values():
                x = self.scheme(layer, x)
            return x
    """
    assert called(graph(tmp_path, code)) == ["0", "1"]


def test_filling_the_data_of_a_parameter_is_seen(tmp_path: Path) -> None:
    init = "self.bn = nn.BatchNorm2d(8)\nself.bn.weight.data.zero_()\nself.bn.bias.data.fill_(1)"
    (norm,) = graph(tmp_path, module(init)).of_kind(Kind.BATCH_NORM)
    assert norm.initial == {"weight": 0.0, "bias": 1.0}


@pytest.mark.parametrize(
    ("operation", "shape"),
    [
        ("y[:, 2:6]", Shape(4, None, 4)),
        ("y[0]", Shape(3)),
        ("y[:, :, k:, 1:k]", Shape(4, None, 8)),
        ("y[:, k:]", Shape(4)),
        ("y[:, None]", Shape(5, None, 1)),
        ("y[:, k]", Shape()),
        ("F.conv2d(x, k)", Shape(4)),
        ("torch.chunk(y, 2, dim=1)[0]", Shape(4, None, 4)),
        ("y.chunk(4, 1)[3]", Shape(4, None, 2)),
        ("F.pad(y, (0, 0, 0, 0, -8, 0)).chunk(2, 1)[0]", Shape(4)),
        ("y.chunk(2, dim=-1)[0]", Shape(4, None, 8)),
        ("torch.split(y, [2, 6], 1)[1]", Shape(4, None, 6)),
        ("y.split(3, dim=1)[2]", Shape(4, None, 2)),
        ("torch.split(y, [2, 6], len(k))[1]", Shape(4)),
        ("F.pixel_shuffle(y, 2)", Shape(4, None, 2)),
        ("nn.PixelUnshuffle(2)(y)", Shape(4, None, 32)),
        ("F.pad(y, (1, 1, 1, 1))", Shape(4, None, 8)),
        ("F.pad(y, (0, 0, 0, 0, 4, 4))", Shape(4, None, 16)),
        ("F.pad(y, p)", Shape(4)),
        ("F.interpolate(y, scale_factor=2)", Shape(4, None, 8)),
        ("F.glu(y, dim=1)", Shape(4, None, 4)),
        ("F.glu(y)", Shape(4)),
        ("y.mean([2, 3])", Shape(2, None, 8)),
        ("y.mean((2, 3), keepdim=True)", Shape(4, None, 8)),
        ("torch.mean(y, 1, keepdim=True)", Shape(4, None, 1)),
        ("y.mean(1)", Shape(3)),
        ("y.mean(1).unsqueeze(1)", Shape(4, None, 1)),
        ("y.permute(0, 2, 3, 1)", Shape(4, None, 8, channels_last=True)),
        ("y.permute(0, 2, 3, 1).permute(0, 3, 1, 2)", Shape(4, None, 8)),
        ("y.permute(1, 0, 2, 3)", Shape(4)),
        ("y.flatten(2).transpose(1, 2)", Shape(3, None, 8, channels_last=True)),
        ("y.transpose(2, 3)", Shape(4, None, 8)),
        ("y.view(y.size(0), -1)", Shape(2)),
        ("y.view(y.size(0), 2, y.size(1) // 2, 7, 7)", Shape(5, None, 2)),
        ("y.mean(1, keepdim=True).expand(-1, 8, -1, -1)", Shape(4, None, 8)),
        ("y.repeat(1, 2, 1, 1)", Shape(4, None, 16)),
        ("torch.cat([y, y[:, :3]], 1)", Shape(4, None, 11)),
        ("torch.cat([y, x], 1)", Shape()),
    ],
)
def test_rank_and_channels_follow_an_operation(
    tmp_path: Path, operation: str, shape: Shape
) -> None:
    forward = f"y = self.conv(x)\nz = {operation}\nreturn z"
    code = module("self.conv = nn.Conv2d(3, 8, 1)", forward).replace("self, x)", "self, x, k, p)")
    assert graph(tmp_path, code).calls[-1].shape == shape


COUNTED = {
    "a shape": ("n, c, l = x.shape", 3),
    "a size": ("n, c, h, _ = x.size()", 4),
    "a list": ("[n, c] = x.shape", 2),
    "a starred part": ("n, c, *sizes = x.shape", None),
    "one name": ("shape = x.shape", None),
}


@pytest.mark.parametrize(("line", "rank"), COUNTED.values(), ids=COUNTED)
def test_who_takes_a_shape_apart_counts_its_dimensions(
    tmp_path: Path, line: str, rank: int | None
) -> None:
    code = module("self.fc = nn.Linear(8, 4)", f"{line}\nreturn self.fc(x)")
    (call,) = [call for call in graph(tmp_path, code).calls if call.kind is Kind.LINEAR]
    assert call.shape.rank == rank
