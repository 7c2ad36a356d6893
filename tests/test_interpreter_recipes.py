"""How the rehearsal says to build a model again."""

from pathlib import Path
from textwrap import dedent

import pytest

from bnlint import interpreter
from bnlint.facts.types.recipe import (
    Assumed,
    Built,
    Constant,
    Items,
    LibraryName,
    Pairs,
    ProjectName,
    Recipe,
    Record,
    Unobtainable,
    missing,
    renumbered,
    walk,
)
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.source import Project, parse_text
from tests.rehearsing import HEAD

FILE = "/bnlint-example/train.py"
NET = """
class Net(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))
"""


def rehearse(code: str) -> Rehearsal:
    """Rehearse a script with a small model, with recipes."""
    file = parse_text(HEAD + NET + dedent(code), "train.py", Path(FILE))
    return interpreter.rehearse([file], Project({file.file: file}), recipes=True)


def recipes(code: str, name: str = "Net") -> list[Recipe]:
    """The recipes of the models of a class, in order."""
    return [recipe for graph, recipe in rehearse(code).recipes.items() if graph.name == name]


def recipe(code: str, name: str = "Net") -> Built:
    """The recipe of the only model of a class."""
    (found,) = recipes(code, name)
    assert isinstance(found, Built)
    return found


def argument(expression: str, before: str = "") -> Recipe:
    """The recipe of an argument that a script passes."""
    (given,) = recipe(f"{dedent(before)}\nNet({expression})").positional
    return given


def own(name: str) -> ProjectName:
    """Something of the script."""
    return ProjectName(FILE, name)


# -- values -------------------------------------------------------------------------------------

ONE, TWO = Constant(1), Constant(2)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 1", TWO),
        ("0.5", Constant(0.5)),
        ("True", Constant(True)),
        ("None", Constant(None)),
        ("'a' + 'b'", Constant("ab")),
        ("[1, [2]]", Items("list", (ONE, Items("list", (TWO,))))),
        ("(1, 2)", Items("tuple", (ONE, TWO))),
        ("{1}", Items("set", (ONE,))),
        ("{'a': 1}", Pairs(((Constant("a"), ONE),))),
        (
            "range(2)",
            Built(LibraryName("builtins.range"), (Constant(0), TWO, ONE)),
        ),
        ("nn.ReLU", LibraryName("torch.nn.ReLU")),
        ("torch.device('cuda')", Built(LibraryName("torch.device"), (Constant("cpu"),))),
        ("torch.cuda.is_available()", Constant(False)),
    ],
)
def test_values(expression: str, expected: Recipe) -> None:
    assert argument(expression) == expected


DEFINITIONS = """
import functools
from collections import namedtuple
from dataclasses import dataclass
from enum import Enum

def block(): pass
act = lambda x: x
class Group:
    class Inner: pass
    @staticmethod
    def make(): pass
    @classmethod
    def build(cls): pass
class Config:
    width = 3
    def __init__(self): self.depth, self.data = 2, open("f")
@dataclass
class Options:
    width: int = 1
    depth: int = 2
class Kind(Enum):
    SMALL = 1
    LARGE = "large"
Point = namedtuple("Point", "x y")
config = Config()
config.more = 1
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("block", own("block")),
        ("Net", own("Net")),
        ("act", own("act")),
        ("Group.Inner", own("Group.Inner")),
        ("Group.make", own("Group.make")),
        ("Group.build", Built(LibraryName("builtins.getattr"), (own("Group"), Constant("build")))),
        (
            "functools.partial(nn.Conv2d, bias=False)",
            Built(
                LibraryName("functools.partial"),
                (LibraryName("torch.nn.Conv2d"),),
                {"bias": Constant(False)},
            ),
        ),
        ("Options(depth=1)", Record(own("Options"), {"width": ONE, "depth": ONE})),
        ("Kind.SMALL", Built(LibraryName("builtins.getattr"), (own("Kind"), Constant("SMALL")))),
        ("Kind.LARGE", Built(LibraryName("builtins.getattr"), (own("Kind"), Constant("LARGE")))),
        ("Kind.SMALL.value", ONE),
        ("Kind.LARGE.name", Constant("LARGE")),
        ("Point(1, y=2)", Built(own("Point"), (), {"x": ONE, "y": TWO})),
        ("Point(1, 1)._replace(y=2)", Built(own("Point"), (), {"x": ONE, "y": TWO})),
        (
            "config",
            Record(
                own("Config"),
                {"depth": TWO, "more": ONE},
                {"data": "`data` is not known from reading the code: it is what `open()` returns"},
            ),
        ),
    ],
)
def test_things_of_the_program(expression: str, expected: Recipe) -> None:
    assert argument(expression, DEFINITIONS) == expected


def test_options() -> None:
    given = argument(
        "opt",
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--width", type=int, default=8)
        parser.add_argument("data", help="folder")
        parser.add_argument("--device", default=pick())
        opt = parser.parse_args()
        opt.total = 2 * opt.width
        """,
    )
    assert given == Record(
        LibraryName("argparse.Namespace"),
        {"width": Constant(8), "device": Constant("cpu"), "total": Constant(16)},
        {
            "data": "`data` is not known from reading the code:"
            " it comes from the option `data`, which has no default"
        },
    )


def test_arguments_are_those_of_the_time_of_building() -> None:
    code = """
        class Config: pass
        config = Config()
        config.width = 1
        sizes = [1]
        Net(config, sizes)
        config.width = 2
        sizes.append(2)
    """
    assert recipe(code).positional == (
        Record(own("Config"), {"width": ONE}),
        Items("list", (ONE,)),
    )


def test_keywords_and_defaults() -> None:
    code = """
        class Small(nn.Module):
            def __init__(self, width, depth=2, *, bias=True):
                super().__init__()
                self.layer = nn.Linear(width, depth)
        Small(1, bias=False)
    """
    found = recipe(code, "Small")
    assert (found.positional, found.keywords) == ((ONE,), {"bias": Constant(False)})


# -- what is not known ----------------------------------------------------------------------------

NOT_KNOWN = "is not known from reading the code"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("load()", f"`argument 1` {NOT_KNOWN}: it is what `load()` returns"),
        ("[torch.zeros(3)]", f"`argument 1` {NOT_KNOWN}: it is a tensor"),
        ("width", f"`width` {NOT_KNOWN}: it depends on a condition that is not known"),
        ("nothing", f"`nothing` {NOT_KNOWN}: `nothing` is not defined in files that are read"),
        ("*load()", "it is built with `*` or `**` arguments not known"),
        ("**load()", "it is built with `*` or `**` arguments not known"),
        ("lambda x: x", "a lambda cannot be had from outside the function that makes it"),
        ("make()", "the class `Local` cannot be had from outside the function that makes it"),
        ("loop", "`loop` holds itself or is too deep"),
        ("list(range(1001))", "`argument 1` has 1001 items"),
        ("len(load())", f"`argument 1` {NOT_KNOWN}: it is taken from something that is not known"),
    ],
)
def test_reasons(expression: str, reason: str) -> None:
    before = """
        import sys
        def make():
            class Local: pass
            return Local
        width = 1
        if len(sys.argv) > 1:
            width = 2
        loop = []
        loop.append(loop)
    """
    assert missing(recipe(f"{before}\n        Net({expression})")) == reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("num_classes", 10),
        ("n_class", 10),
        ("class_num", 10),
        ("num_of_labels", 10),
        ("vocab_size", 1000),
        ("src_vocab_size", 1000),
        ("ntoken", 1000),
        ("width", None),
        ("classifier", None),
        ("num_channels", None),
    ],
)
def test_counts_of_classes_and_words_are_assumed(name: str, expected: int | None) -> None:
    found = recipe(f"Net({name}=len(load()))").keywords[name]
    assert found == Assumed(name, expected) if expected else isinstance(found, Unobtainable)


def test_names_in_the_call_tell_what_is_counted() -> None:
    assert argument("n_classes", "n_classes = len(load())") == Assumed("n_classes", 10)


def test_a_required_parameter_that_is_not_given() -> None:
    code = """
        class Small(nn.Module):
            def __init__(self, width, num_classes, *, depth):
                super().__init__()
                self.layer = nn.Linear(width, depth)
    """
    found = rehearse(code)
    (small,) = (graph for graph in found.recipes if graph.name == "Small")
    reason = missing(found.recipes[small])
    assert reason is not None and reason.startswith("`width` is not known")
    assert small in found.unreached
    built = found.recipes[small]
    assert isinstance(built, Built)
    assert built.keywords["num_classes"] == Assumed("num_classes", 10)


# -- models within models and changes --------------------------------------------------------------


def test_a_model_within_another_is_the_same_object() -> None:
    code = """
        class Pair(nn.Module):
            def __init__(self, one, other):
                super().__init__()
                self.one, self.other = one, other
        net = Net()
        Pair(net, net)
    """
    one, other = recipe(code, "Pair").positional
    assert isinstance(one, Built)
    assert one == other
    assert one.callee == own("Net")
    assert one.key >= 0


def test_what_is_done_to_a_model_within_another_counts_whenever_it_is_done() -> None:
    code = """
        class Outer(nn.Module):
            def __init__(self, body):
                super().__init__()
                self.body, self.more = body, nn.Linear(2, 2)
        body = Net()
        net = Outer(body)
        net.more = nn.Sequential(net.more)
        body.fc = nn.Linear(8, 2)
        net.more.append(nn.ReLU())
    """
    found = recipe(code, "Outer")
    (body,), ((_, more),) = found.positional, found.attributes
    assert isinstance(body, Built) and isinstance(more, Built)
    assert [name for name, _ in body.attributes] == ["fc"]
    assert [name for name, _ in more.attributes] == ["1"]
    (part,) = more.positional
    assert isinstance(part, Built)
    (outer,) = part.positional
    assert isinstance(outer, Built)
    assert (outer.key, outer.attributes) == (found.key, ())


def test_recipes_stay_small() -> None:
    code = """
        class Pair(nn.Module):
            def __init__(self, one, other):
                super().__init__()
                self.one, self.other = one, other
        net = Net()
        for _ in range(14):
            net = Pair(net, net)
    """
    reasons = [missing(each) for each in recipes(code, "Pair")]
    assert "it is built from too many parts" in reasons


def test_copies_are_other_objects() -> None:
    code = """
        import copy
        class Pair(nn.Module):
            def __init__(self, one, other):
                super().__init__()
                self.one, self.other = one, other
        net = Net(2)
        net.fc = nn.Identity()
        Pair(net, copy.deepcopy(net))
    """
    one, other = recipe(code, "Pair").positional
    assert isinstance(one, Built) and isinstance(other, Built)
    assert one.key != other.key
    assert (one.callee, one.positional) == (other.callee, other.positional)
    assert [name for name, _ in one.attributes] == [name for name, _ in other.attributes] == ["fc"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ("net.fc = nn.Linear(8, 2)", "fc"),
        ("net.body.fc = nn.Linear(8, 2)", "body.fc"),
        ("net.body.add_module('head', nn.Linear(8, 2))", "body.head"),
        ("setattr(net, 'fc', nn.Linear(8, 2))", "fc"),
        ("net.layers[1] = nn.Linear(8, 2)", "layers.1"),
        ("net.layers.append(nn.Linear(8, 2))", "layers.2"),
        ("body = net.body\nbody.fc = nn.Linear(8, 2)", "body.fc"),
        ("nn.DataParallel(net).module.fc = nn.Linear(8, 2)", "fc"),
    ],
)
def test_changes_after_building_are_made_again(change: str, path: str) -> None:
    code = f"""
class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Net()
        self.layers = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.body.own = nn.ReLU()
net = Outer()
{change}
"""
    ((name, value),) = recipe(code, "Outer").attributes
    assert isinstance(value, Built)
    assert (name, value.callee) == (path, LibraryName("torch.nn.Linear"))
    assert value.positional == (Constant(8), TWO)


def test_plain_attributes_are_set_again_where_they_are_known() -> None:
    code = """
        net = Net()
        net.conv.padding_mode = "circular"
        net.seen = load()
    """
    assert recipe(code).attributes == (("conv.padding_mode", Constant("circular")),)


def test_parts_of_published_models() -> None:
    code = """
        from torchvision import models
        net = models.resnet18(pretrained=True)
        net.fc = nn.Linear(net.fc.in_features, 2)
    """
    built = recipe(code, "resnet18")
    assert built.callee == LibraryName("torchvision.models.resnet18")
    assert built.keywords == {"pretrained": Constant(True)}
    ((name, head),) = built.attributes
    assert name == "fc"
    assert isinstance(head, Built)
    assert head.positional == (
        Built(
            Built(LibraryName("operator.attrgetter"), (Constant("fc.in_features"),)),
            (Built(built.callee, (), built.keywords, (), built.key),),
        ),
        TWO,
    )


def test_parts_of_models_of_the_program() -> None:
    code = """
        net = Net()
        nn.Sequential(net.conv, nn.ReLU())
    """
    part, _ = recipe(code, "Sequential").positional
    assert isinstance(part, Built)
    assert part.callee == Built(LibraryName("operator.attrgetter"), (Constant("conv"),))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("if pick():\n    net.fc = nn.Identity()", "`fc` is replaced under a condition"),
        ("del net.layers[0]", "layers of `Sequential` are deleted"),
        ("net.fc = load()", f"`fc` {NOT_KNOWN}: it is what `load()` returns"),
        ("net.layers.append(load())", f"`1` {NOT_KNOWN}: it is what `load()` returns"),
    ],
)
def test_changes_that_are_not_known(change: str, reason: str) -> None:
    code = f"net = Net()\nnet.layers = nn.Sequential(nn.ReLU())\n{change}\n"
    assert str(missing(recipe(code))).startswith(reason)


def test_wrapping_is_no_change() -> None:
    code = """
        net = Net()
        if torch.cuda.device_count() > 1:
            net.conv = nn.DataParallel(net.conv)
    """
    assert recipe(code).attributes == ()


# -- factories and classes that build models -------------------------------------------------------


def test_a_factory_is_looked_through() -> None:
    code = """
        def make(width, **rest):
            return Net(width, **rest)
        make(2, bias=False)
    """
    found = recipe(code)
    assert (found.callee, found.positional) == (own("Net"), (TWO,))
    assert found.keywords == {"bias": Constant(False)}


def test_a_factory_is_called_where_what_it_computes_is_not_known() -> None:
    code = """
        def make(width):
            net = Net(load(width))
            net.fc = nn.Linear(8, width)
            return net
        net = make(2)
        net.conv = nn.Identity()
    """
    found = recipe(code)
    assert (found.callee, found.positional) == (own("make"), (TWO,))
    assert [name for name, _ in found.attributes] == ["conv"]


def test_a_model_of_a_local_class_is_made_by_its_factory() -> None:
    code = """
        def make():
            class Local(Net): pass
            return Local()
        make()
    """
    assert recipe(code, "Local").callee == own("make")


def test_a_model_that_an_object_builds() -> None:
    code = """
        class Trainer:
            def __init__(self, width):
                self.width = width
                self.net = Net(self.width)
        Trainer(2)
    """
    assert recipe(code).positional == (TWO,)


def test_models_that_are_built_alike_have_equal_recipes() -> None:
    code = """
        class Pair(nn.Module):
            def __init__(self, one, other, sizes=()):
                super().__init__()
                self.one, self.other = one, other
        nets = Net(), Net()
        Pair(nets[0], nets[0], [range(1), range(2)])
        Pair(nets[1], nets[1], [range(1), range(2)])
        Pair(nets[0], nets[1], [range(1), range(2)])
    """
    one, same, other = map(renumbered, recipes(code, "Pair"))
    assert one == same != other
    ranges = Built(LibraryName("builtins.range"), (Constant(0), ONE, ONE))
    assert ranges in walk(one)  # without a key, since it is nobody else


# -- which models have recipes --------------------------------------------------------------------


def test_models_that_scripts_build_and_others(tmp_path: Path) -> None:
    (tmp_path / "setup.py").touch()
    (tmp_path / "nets.py").write_text(HEAD + NET + "def other(width):\n    return Net(width)\n")
    (tmp_path / "train.py").write_text(
        "import torch\nfrom nets import Net\nnet = Net(1)\nnet.train()\n"
    )
    project = Project()
    files = [project.load(tmp_path / name) for name in ("nets.py", "train.py")]
    found = interpreter.rehearse(files, project, recipes=True)
    (reached,) = (graph for graph in found.recipes if graph not in found.unreached)
    (unreached,) = (graph for graph in found.recipes if graph in found.unreached)
    assert found.scripts == {reached: str(tmp_path / "train.py")}
    assert missing(found.recipes[reached]) is None
    assert "it is the parameter `width`" in str(missing(found.recipes[unreached]))


def test_models_without_layers_and_lone_layers_have_no_recipe() -> None:
    code = """
        class Loss(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = nn.CrossEntropyLoss()
        Loss()
        nn.Linear(2, 2)
        nn.ModuleList([nn.Linear(2, 2)])
        torch.hub.load("ultralytics/yolov5", "yolov5s")
    """
    found = rehearse(code)
    assert found.scripts.keys() & found.recipes.keys() == set()


def test_a_rehearsal_that_is_not_asked_makes_no_recipes() -> None:
    file = parse_text(HEAD + NET + "Net()\n", "train.py", Path(FILE))
    found = interpreter.rehearse([file], Project({file.file: file}))
    assert found.graphs
    assert not found.recipes
