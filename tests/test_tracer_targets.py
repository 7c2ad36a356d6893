"""What the command line says of a model, its inputs and its arguments."""

from pathlib import Path

import pytest

from bnlint.errors import UsageError
from bnlint.facts.types.recipe import Constant, Items, LibraryName, Pairs
from bnlint.tracer.building.targets import (
    Size,
    TraceTarget,
    parse_argument,
    parse_size,
    parse_target,
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "models.py"
    path.write_text("", encoding="utf-8")
    return path


def test_a_module_and_a_name() -> None:
    assert parse_target("pkg.models:resnet18") == TraceTarget("resnet18", module="pkg.models")


@pytest.mark.parametrize("written", ["models.py", "./models.py", "{}"])
def test_a_file_and_a_name(file: Path, written: str) -> None:
    target = parse_target(f"{written.format(file)}:nets.make")
    assert target == TraceTarget("nets.make", file=str(file))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resnet18", "`resnet18` names no model"),
        (":Net", "`:Net` names no model"),
        ("models.py:", "`models.py:` names no model"),
        ("models.py:Net()", "names no model"),
        ("a-b:Net", "neither a module nor a .py file"),
        ("model.py:Net", "there is no file `model.py`; did you mean `models.py`?"),
        ("nets/a.py:Net", "there is no file `nets/a.py`"),
        (".:Net", "neither a module nor a .py file"),
        ("./:Net", "is a folder: name a file in it, `./file.py:Net`"),
    ],
)
def test_what_is_no_target(file: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8x3x224x224", Size((8, 3, 224, 224))),
        ("8,3,224,224", Size((8, 3, 224, 224))),
        ("(8, 3, 224, 224)", Size((8, 3, 224, 224))),
        ("16", Size((16,))),
        ("8x128:int64", Size((8, 128), "int64")),
        ("8x128:long", Size((8, 128), "int64")),
        ("8x128:half", Size((8, 128), "float16")),
    ],
)
def test_sizes(text: str, expected: Size) -> None:
    assert parse_size(text) == expected


def test_a_type_for_all_inputs() -> None:
    assert parse_size("2x3", "double") == Size((2, 3), "float64")
    assert parse_size("2x3:bool", "double") == Size((2, 3), "bool")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no input size"),
        ("8x", "`8x` is no input size: write it as 8x3x224x224"),
        ("8x-3", "is no input size"),
        ("8xthree", "is no input size"),
        ("8x0x3", "every dimension has to be at least 1"),
        ("8x3:in64", "`in64` is no type of input; did you mean `int64`?"),
        ("8x3:", "`` is no type of input"),
    ],
)
def test_what_is_no_size(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n=10", Constant(10)),
        ("rate=1e-3", Constant(0.001)),
        ("name=resnet18", Constant("resnet18")),
        ("name='10'", Constant("10")),
        ("path=a=b", Constant("a=b")),
        ("empty=", Constant("")),
        ("flag=True", Constant(True)),
        ("flag=false", Constant(False)),
        ("norm=None", Constant(None)),
        ("norm=none", Constant("none")),
        ("n = -2", Constant(-2)),
        ("sizes=(2, 3)", Items("tuple", (Constant(2), Constant(3)))),
        ("sizes=[]", Items("list", ())),
        ("kinds={'a'}", Items("set", (Constant("a"),))),
        ("table={'a': [1]}", Pairs(((Constant("a"), Items("list", (Constant(1),))),))),
        ("act=@torch.nn.ReLU", LibraryName("torch.nn.ReLU")),
        ("handle=@", Constant("@")),
    ],
)
def test_arguments(text: str, expected: object) -> None:
    name, value = parse_argument(text)
    assert (name, value) == (text.partition("=")[0].strip(), expected)


@pytest.mark.parametrize("text", ["n", "=3", "a b=3", "2=3", "data=b'x'"])
def test_what_is_no_argument(text: str) -> None:
    with pytest.raises(UsageError):
        parse_argument(text)


def test_what_the_child_is_told() -> None:
    told = TraceTarget("Net", module="nets").to_json({"n": Constant(3)})
    assert told == {
        "file": None,
        "module": "nets",
        "name": "Net",
        "arguments": {"n": ["constant", 3]},
    }
