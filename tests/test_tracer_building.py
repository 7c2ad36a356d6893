"""Live models from recipes and from what the command line names."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

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
)
from bnlint.tracer.building.build_model import BuildFailure, Building, build_in
from bnlint.tracer.building.observed import PLACES
from bnlint.tracer.building.recipe_json import from_json, to_json
from bnlint.tracer.building.targets import parse_argument
from bnlint.tracer.building.weights import no_weights, without_weights
from bnlint.tracer.slicing import importing

NETS = """
import argparse
import torch
import torchless
from torch import nn
from torch.hub import load_state_dict_from_url

class Net(nn.Module):
    def __init__(self, width=8, act=nn.ReLU, **rest):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.act = act()
        self.fc = nn.Linear(width, 2)
        self.rest = rest

class Pair(nn.Module):
    def __init__(self, one, other):
        super().__init__()
        self.one, self.other = one, other

class Config:
    kind = "plain"
    def __init__(self): raise OSError("reads a file")
    def doubled(self): return 2 * self.width

def make(config, depth=1, *, bias=True): return Net(config)
def several(): return 3, Net(), Net(4)
def named(): return {"net": Net()}
def nothing(): return None
def either(width): return Net(width)

class Holder:
    def __init__(self): self.model = Net()

class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Net()

class Loaded(Net):
    def __init__(self, path="missing.pth"):
        super().__init__()
        state = torch.load(path, map_location="cpu")["state_dict"]
        state.pop("fc.weight")
        self.load_state_dict({key[7:]: value for key, value in state.items()}, strict=False)
        self.load_state_dict(load_state_dict_from_url("https://nowhere.example/x.pth"))
        assert not self.load_state_dict({}).missing_keys

class Counted(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.largest = self.layer.weight.max().item()

class OnGpu(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2).cuda()
        self.noise = torch.zeros(2, device="cuda").cuda()
        self.more = torch.ones(3).to(torch.device("cuda:0"))

class Wrong(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, "a")

class Needy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torchless.Layer()

class Opted(Net):
    def __init__(self):
        super().__init__(opt.width)
        self.data = opt.data

parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--must", required=True)
parser.add_argument("--width", type=int, default=5)
opt = parser.parse_args()

class Failed(Net):
    def __init__(self):
        super().__init__(table["width"])
table = {}["key"]
net = Net(6)
parallel = nn.DataParallel(net)
"""
Make = Callable[[Mapping[str, Any]], Building]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "nets.py"
    path.write_text(dedent(NETS), encoding="utf-8")
    return str(path)


@pytest.fixture
def make(file: str) -> Iterator[Make]:
    """Build in a project of one file."""
    with importing.project(str(Path(file).parent)) as project:
        yield lambda job: build_in(project, job, "train.py")


@pytest.fixture
def follow(make: Make) -> Callable[[Recipe], Any]:
    """Build the module of a recipe."""
    return lambda recipe: make({"recipe": to_json(recipe)}).module


@pytest.fixture
def called(make: Make, file: str) -> Callable[..., Building]:
    """Build what a name in the file gives, called with arguments as they are written."""

    def call(name: str, *arguments: str) -> Building:
        given = {key: to_json(value) for key, value in map(parse_argument, arguments)}
        return make({"target": {"file": file, "module": None, "name": name, "arguments": given}})

    return call


def net(file: str, *positional: Recipe, **keywords: Recipe) -> Built:
    """A recipe of a small model."""
    return Built(ProjectName(file, "Net"), positional, keywords)


# -- recipes ------------------------------------------------------------------------------------


def test_values_become_arguments(file: str, follow: Callable[[Recipe], Any]) -> None:
    recipe = net(
        file,
        Constant(4),
        LibraryName("torch.nn.PReLU"),
        a=Items("list", (Constant(1), Items("tuple", (Constant(None),)))),
        b=Items("set", (Constant("x"),)),
        c=Pairs(((Constant("k"), Constant(0.5)),)),
        d=Built(LibraryName("builtins.range"), (Constant(0), Constant(2), Constant(1))),
        e=ProjectName(file, "Config.doubled"),
        f=Built(LibraryName("functools.partial"), (LibraryName("torch.nn.Linear"), Constant(3))),
        g=ProjectName(file, ""),
    )
    model = follow(recipe)
    assert (model.conv.out_channels, type(model.act)) == (4, nn.PReLU)
    rest = model.rest
    assert (rest["a"], rest["b"], rest["c"], rest["d"]) == (
        [1, (None,)],
        {"x"},
        {"k": 0.5},
        range(2),
    )
    assert rest["e"].__qualname__ == "Config.doubled"
    assert rest["f"](2).out_features == 2
    assert rest["g"].Net is type(model)


def test_the_same_key_is_the_same_object(file: str, follow: Callable[[Recipe], Any]) -> None:
    one = Built(ProjectName(file, "Net"), key=1)
    changed = Built(ProjectName(file, "Net"), attributes=(("fc", Constant(None)),), key=1)
    model = follow(Built(ProjectName(file, "Pair"), (one, changed)))
    assert model.one is model.other
    assert model.one.fc is None
    model = follow(Built(ProjectName(file, "Pair"), (net(file), net(file))))
    assert model.one is not model.other


def test_attributes_are_set_in_order(file: str, follow: Callable[[Recipe], Any]) -> None:
    itself = Built(ProjectName(file, "Net"), key=1)
    width = Built(
        Built(LibraryName("operator.attrgetter"), (Constant("fc.in_features"),)), (itself,)
    )
    head = Built(LibraryName("torch.nn.Linear"), (width, Constant(7)))
    layers = Built(LibraryName("torch.nn.Sequential"), (head,))
    recipe = Built(
        ProjectName(file, "Net"),
        attributes=(
            ("fc", layers),
            ("fc.1", Built(LibraryName("torch.nn.ReLU"))),
            ("fc.0.momentum", Constant(0.5)),
            ("gone.attribute", Constant(1)),
        ),
        key=1,
    )
    model = follow(recipe)
    assert [type(layer) for layer in model.fc] == [nn.Linear, nn.ReLU]
    assert (model.fc[0].in_features, model.fc[0].out_features) == (8, 7)
    assert model.fc[0].momentum == 0.5


def test_a_layer_where_there_is_no_module(file: str, follow: Callable[[Recipe], Any]) -> None:
    layer = Built(LibraryName("torch.nn.ReLU"))
    recipe = Built(ProjectName(file, "Net"), attributes=(("gone.fc", layer),))
    with pytest.raises(BuildFailure, match="there is no `gone` to set `fc` of"):
        follow(recipe)


def test_records_are_objects_by_their_attributes(
    file: str, follow: Callable[[Recipe], Any]
) -> None:
    unknown = {"path": "`path` is not known from reading the code"}
    record = Record(ProjectName(file, "Config"), {"width": Constant(3)}, unknown)
    config = follow(net(file, config=record)).rest["config"]
    assert (config.doubled(), config.kind) == (6, "plain")
    assert type(config).__name__ == "Config"
    assert not hasattr(config, "nothing")
    with pytest.raises(Exception, match="`path` is not known from reading the code"):
        _ = config.path
    options = Record(LibraryName("argparse.Namespace"), {"width": Constant(3)})
    assert vars(follow(net(file, options=options)).rest["options"]) == {"width": 3}


def test_what_was_assumed_is_said(make: Make, file: str) -> None:
    assumed = Assumed("num_classes", 10)
    built = make({"recipe": to_json(net(file, assumed, again=assumed))})
    module: Any = built.module
    assert module.fc.in_features == 10
    assert built.notes == ("`num_classes` is not known from reading: 10 is taken for it",)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (Unobtainable("`width` is not known"), "`width` is not known"),
        (ProjectName("nets.py", "Nothing"), "there is no `Nothing` in nets.py"),
        (LibraryName("torch.nn.Nothing"), "there is no `Nothing` in torch.nn"),
    ],
)
def test_recipes_that_cannot_be_followed(
    make: Make,
    file: str,
    recipe: Recipe,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(file).parent)
    with pytest.raises(BuildFailure) as caught:
        make({"recipe": to_json(net(file, recipe))})
    assert caught.value.reason == reason


def test_packages_that_are_not_installed(file: str, follow: Callable[[Recipe], Any]) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        follow(net(file, LibraryName("torchless.layers.Layer")))
    assert caught.value.name == "torchless"


# -- targets --------------------------------------------------------------------------------------


def test_a_class_with_arguments(called: Callable[..., Building]) -> None:
    module: Any = called("Net", "width=3", "act=@torch.nn.PReLU", "norm=batch").module
    assert isinstance(module.act, nn.PReLU)
    assert (module.fc.in_features, module.rest) == (3, {"norm": "batch"})


def test_a_model_of_the_script(called: Callable[..., Building]) -> None:
    for name in ("net", "parallel"):
        module: Any = called(name).module
        assert module.fc.in_features == 6


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("several", "what is traced is item 1 of a tuple of 3"),
        ("named", "what is traced is item 0 of a dict of 1"),
        ("Holder", "what is traced is the `model` of a `Holder`"),
        ("Outer", "`Outer` has no forward: its `model` is traced"),
    ],
)
def test_models_within_what_a_factory_returns(
    called: Callable[..., Building], name: str, note: str
) -> None:
    built = called(name)
    assert type(built.module).__name__ == "Net"
    assert built.notes == (note,)


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("Met", (), "there is no `Met` in {file}; did you mean `Net`?"),
        ("Config.width", (), "there is no `width` in `Config`"),
        ("either", (), "`either` needs `width`: give it with --arg width=..."),
        (
            "Pair",
            (),
            "`Pair` needs `one` and `other`: give them with --arg one=... --arg other=...",
        ),
        ("make", ("config=3", "dept=2"), "`make` has no parameter `dept`; did you mean `depth`?"),
        ("net", ("width=3",), "`net` is a model already and takes no arguments"),
        ("Config.kind", (), "`Config.kind` is a str, which builds no model"),
        (
            "nothing",
            (),
            "a NoneType came out, which is no nn.Module; name a class, a function that returns a model, or a model",
        ),
        ("Failed", (), "`table` could not be made: KeyError: 'key'"),
    ],
)
def test_targets_that_give_no_model(
    called: Callable[..., Building], file: str, name: str, arguments: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(BuildFailure) as caught:
        called(name, *arguments)
    assert caught.value.reason == reason.format(file=file)


def test_a_definition_that_fails_has_a_place(called: Callable[..., Building], file: str) -> None:
    with pytest.raises(BuildFailure) as caught:
        called("Failed")
    place = caught.value.place
    assert place is not None
    line = Path(file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    assert (place.file, line) == (file, 'table = {}["key"]')


def test_modules_by_name(make: Make) -> None:
    target = {"file": None, "module": "torch.nn", "name": "Bilinear"}
    given = {"in1_features": 2, "in2_features": 3, "out_features": 4}
    arguments = {name: to_json(Constant(value)) for name, value in given.items()}
    module = make({"target": {**target, "arguments": arguments}}).module
    assert isinstance(module, nn.Bilinear)


@pytest.mark.parametrize("name", ["torchless", "torch.nothing.more", "nets.more"])
def test_modules_that_are_not_there(make: Make, name: str) -> None:
    with pytest.raises(BuildFailure, match=r"there is no module `[a-z.]+`"):
        make({"target": {"file": None, "module": name, "name": "Net"}})


# -- how models are built -------------------------------------------------------------------------


def test_parameters_hold_no_data_and_places_are_kept(
    called: Callable[..., Building], file: str
) -> None:
    module = called("Net").module
    assert all(parameter.is_meta for parameter in module.parameters())
    (place,) = module.conv.__dict__[PLACES][:1]
    text = Path(file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    assert text[place.column : place.end_column] == "nn.Conv2d(3, width, 3)"


def test_constructors_that_look_into_parameters_get_real_ones(
    called: Callable[..., Building],
) -> None:
    module: Any = called("Counted").module
    assert isinstance(module.largest, float)
    assert not module.layer.weight.is_meta


def test_real_parameters(make: Make, file: str) -> None:
    with importing.project(str(Path(file).parent)) as project:
        job = {"recipe": to_json(net(file))}
        module = build_in(project, job, "train.py", real=True).module
    assert not any(parameter.is_meta for parameter in module.parameters())


def test_no_weights_are_loaded(called: Callable[..., Building]) -> None:
    before = torch.load, nn.Module.load_state_dict, torch.hub.load_state_dict_from_url
    assert isinstance(called("Loaded").module.fc, nn.Linear)
    assert (torch.load, nn.Module.load_state_dict, torch.hub.load_state_dict_from_url) == before


@pytest.mark.parametrize(
    ("path", "positional", "keywords", "expected"),
    [
        ("torchvision.models.resnet18", [True], {}, ([False], {})),
        ("torchvision.models.resnet18", [], {"pretrained": True}, ([], {"pretrained": False})),
        (
            "torchvision.models.segmentation.fcn_resnet50",
            [],
            {"weights": "DEFAULT", "weights_backbone": "DEFAULT", "num_classes": 3},
            ([], {"weights": None, "weights_backbone": None, "num_classes": 3}),
        ),
        (
            "timm.create_model",
            ["resnet18"],
            {"pretrained": True},
            (["resnet18"], {"pretrained": False}),
        ),
        (
            "segmentation_models_pytorch.Unet",
            ["resnet34"],
            {"encoder_weights": "imagenet"},
            (["resnet34"], {"encoder_weights": None}),
        ),
        ("torch.nn.Linear", [True], {"weights": 1}, ([True], {"weights": 1})),
    ],
)
def test_trained_weights_are_turned_off(
    path: str, positional: list[Any], keywords: dict[str, Any], expected: object
) -> None:
    assert without_weights(path, positional, keywords) == expected


def test_models_of_the_hub(
    follow: Callable[[Recipe], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = LibraryName("torch.hub.load")
    with pytest.raises(OSError, match=r"torch\.hub\.load would download `a/b`"):
        follow(Built(hub, (Constant("a/b"), Constant("net"))))
    models: Any = ModuleType("torchvision.models")
    models.resnet18 = lambda pretrained=None, **_: nn.Linear(2, 3 if pretrained is False else 4)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    named = (Constant("pytorch/vision:v0.10.0"), Constant("resnet18"))
    model = follow(Built(hub, named, {"pretrained": Constant(True)}))
    assert model.out_features == 3


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Install a module of a package for one test."""
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))

    def install(name: str, text: str) -> None:
        for loaded in [each for each in sys.modules if each.partition(".")[0] in name.split(".")]:
            monkeypatch.delitem(sys.modules, loaded)
        *folders, last = name.split(".")
        folder = tmp_path / "installed"
        for part in folders:
            folder /= part
            folder.mkdir(parents=True)
            (folder / "__init__.py").touch()
        (folder / f"{last}.py").write_text(text, encoding="utf-8")

    return install


def test_functions_of_packages_that_fetch_weights(package: Callable[[str, str], None]) -> None:
    text = "def load_pretrained(model): raise OSError\ndef build(): load_pretrained(1); return 2\n"
    package("timm.models._builder", text)
    with no_weights():
        assert importlib.import_module("timm.models._builder").build() == 2
    for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
        del sys.modules[name]


def test_modules_that_only_fetched_weights(package: Callable[[str, str], None]) -> None:
    package("torchvision.models.resnet", "")
    with no_weights():
        gone = importlib.import_module("torchvision.models.utils")
        assert gone.load_state_dict_from_url("https://nowhere.example")["state"] == {}
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


def test_a_gpu_is_not_needed(called: Callable[..., Building]) -> None:
    module = called("OnGpu").module
    assert module.noise.device.type == module.more.device.type == "cpu"


def test_options_that_are_required_have_no_value(
    called: Callable[..., Building], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bnlint", "--width", "9"])
    module: Any = called("Opted").module
    assert (module.conv.out_channels, module.data) == (5, None)
    assert sys.argv == ["bnlint", "--width", "9"]


def test_errors_of_the_projects_code_pass_through(called: Callable[..., Building]) -> None:
    with pytest.raises(TypeError, match="must be tuple of ints"):
        called("Wrong")


def test_packages_that_the_project_misses(make: Make, called: Callable[..., Building]) -> None:
    assert called("Net").missing == ()
    with pytest.raises(ModuleNotFoundError, match="torchless"):
        called("Needy")
    assert called("Net").missing == ("torchless",)


# -- recipes as JSON ------------------------------------------------------------------------------

NAMES = st.text("abc_.", max_size=5)
LEAVES: st.SearchStrategy[Recipe] = st.one_of(
    st.builds(
        Constant, st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    ),
    st.builds(Assumed, NAMES, st.integers()),
    st.builds(ProjectName, NAMES, NAMES),
    st.builds(LibraryName, NAMES),
    st.builds(Unobtainable, st.text()),
)


def _within(inner: st.SearchStrategy[Recipe]) -> st.SearchStrategy[Recipe]:
    several = st.lists(inner, max_size=3).map(tuple)
    by_name = st.dictionaries(NAMES, inner, max_size=3)
    return st.one_of(
        st.builds(Items, st.sampled_from(["list", "tuple", "set", "frozenset"]), several),
        st.builds(Pairs, st.lists(st.tuples(inner, inner), max_size=3).map(tuple)),
        st.builds(
            Built,
            inner,
            several,
            by_name,
            st.lists(st.tuples(NAMES, inner), max_size=3).map(tuple),
            st.integers(),
        ),
        st.builds(Record, inner, by_name, st.dictionaries(NAMES, st.text()), st.integers()),
    )


@given(st.recursive(LEAVES, _within, max_leaves=12))
def test_recipes_survive_json(recipe: Recipe) -> None:
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe


@pytest.mark.parametrize(
    "data", [None, [], ["other"], ["items", "list"], ["built", ["constant", 1]], ["constant"]]
)
def test_what_is_no_recipe(data: object) -> None:
    with pytest.raises(ValueError, match="no recipe"):
        from_json(data)
