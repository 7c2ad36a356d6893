"""Options that name an entry of a dict or of a module, and those that matter only together."""

from pathlib import Path

import pytest

from tests.rehearsing import rehearse, rehearse_files

SETUP = """
import argparse
class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
    def forward(self, x):
        return self.fc(x)
parser = argparse.ArgumentParser()
"""
TABLE = 'TABLE = {"plain": Plain, "other": Plain, "normed": Net}\n'
PATHS = 'TABLE = {"plain": ("Linear",), "normed": ("BatchNorm1d",)}\n'
LOOK_UPS = {
    "a subscript": "TABLE[args.net]()(x)",
    "get": "TABLE.get(args.net)()(x)",
    "get with a default": "TABLE.get(args.net, Plain)()(x)",
    "a function": "def make(name):\n    return TABLE[name]()\nmake(args.net)(x)",
}


def tried(code: str) -> list[tuple[str, ...]]:
    """The options of each execution that has some."""
    return [run.options for run in rehearse(SETUP + code, net=True).runs if run.options]


@pytest.mark.parametrize("built", LOOK_UPS.values(), ids=LOOK_UPS)
@pytest.mark.parametrize("choices", ["", ", choices=['plain', 'normed']"])
def test_where_the_entry_has_no_batchnorm_one_that_has_is_tried(built: str, choices: str) -> None:
    code = f"parser.add_argument('--net', default='plain'{choices})\nargs = parser.parse_args()\n"
    assert tried(code + TABLE + built) == [("--net normed",)]


def test_an_entry_with_batchnorm_is_enough() -> None:
    code = "parser.add_argument('--net', default='normed')\nargs = parser.parse_args()\n"
    assert tried(code + TABLE + "TABLE[args.net]()(x)") == []


def test_what_the_parser_refuses_is_not_tried() -> None:
    code = "parser.add_argument('--net', default='plain', choices=['plain', 'other'])\n"
    assert tried(code + "args = parser.parse_args()\n" + TABLE + "TABLE[args.net]()(x)") == []


@pytest.mark.parametrize("built", ["globals()[args.net]()(x)", "globals().get(args.net)()(x)"])
def test_another_model_of_a_module_is_tried(built: str) -> None:
    code = "parser.add_argument('--net', default='Plain')\nargs = parser.parse_args()\n"
    assert tried(code + built) == [("--net Net",)]
    chosen = code.replace("'Plain'", "'Plain', choices=['Plain', 'Net']")
    assert tried(chosen + built) == [("--net Net",)]


@pytest.mark.parametrize("declared", ["type=str", "required=True", "type=str, default=None"])
def test_an_option_without_a_default_is_given_where_no_model_is_known(declared: str) -> None:
    code = f"parser.add_argument('--net', {declared})\nargs = parser.parse_args()\n"
    built = "kind, = TABLE[args.net]\nmodel = getattr(nn, kind)(3)\nmodel.eval()\nmodel(x)\n"
    assert ("--net plain",) in tried(code + PATHS + built)


def test_what_a_model_uses_counts() -> None:
    """One of several entries has BatchNorm by a class that it is made of, or by a package's model."""
    code = "import torchvision\nparser.add_argument('--net', default='plain')\n"
    code += "args = parser.parse_args()\nclass Head(Plain):\n    part = Net\n"
    for made in ("Head", "lambda: Head()", "torchvision.models.resnet18"):
        table = f"TABLE = {{'plain': Plain, 'other': Plain, 'more': {made}}}\n"
        assert tried(code + table + "TABLE[args.net]()(x)") == [("--net more",)]
    table = "TABLE = {'plain': Plain, 'other': torchvision.models.alexnet}\n"
    assert tried(code + table + "TABLE[args.net]()(x)") == []


def test_a_dict_of_texts_names_no_models() -> None:
    code = "parser.add_argument('--data', default='plain')\nargs = parser.parse_args()\n"
    assert tried(code + PATHS + "print(TABLE[args.data])\nPlain()(x)\n") == []


JOINT = """
parser.add_argument('--net', default='plain')
parser.add_argument('--probe', action='store_true')
args = parser.parse_args()
if args.net == 'plain':
    net = Plain()
elif args.net == 'normed':
    net = Net()
    if args.probe:
        net.eval()
net(x)
"""


def test_an_option_that_matters_with_another_is_tried_with_it() -> None:
    assert tried(JOINT) == [("--net normed",), ("--net normed", "--probe")]


def test_an_option_that_decides_nothing_with_another_is_not() -> None:
    assert tried(JOINT.replace("net.eval()", "print(net)")) == [("--net normed",)]


@pytest.mark.parametrize(
    "given",
    ["Normed(args.norm == 'batch')", "Normed(on=args.norm == 'batch')", "Normed(on)"],
)
def test_a_comparison_that_is_handed_on_goes_by_the_name_of_its_parameter(given: str) -> None:
    code = f"""
parser.add_argument('--norm', default='none')
args = parser.parse_args()
class Normed(nn.Module):
    def __init__(self, on):
        super().__init__()
        self.norm = nn.BatchNorm2d(3) if on else nn.Identity()
    def forward(self, x):
        return self.norm(x)
on = args.norm == 'batch'
{given}(x)
"""
    assert tried(code) == [("--norm batch",)]


def test_the_entry_that_is_named_most_like_the_default_is_tried() -> None:
    code = "parser.add_argument('--net', default='plain')\nargs = parser.parse_args()\n"
    table = 'TABLE = {"first": Net, "plain": Plain, "pl": Net, "plain_bn": Net}\n'
    assert tried(code + table + "TABLE[args.net]()(x)") == [("--net plain_bn",)]


PACKAGE = {
    "models/parts.py": """
from torch import nn
def conv(width):
    return nn.Sequential(nn.Conv2d(width, width, 3), nn.BatchNorm2d(width))
""",
    "models/nets.py": """
from torch import nn
from .parts import conv
__all__ = ["flow", "normed"]
class Flow(nn.Module):
    def __init__(self, bn):
        super().__init__()
        self.part = conv(3) if bn else nn.Conv2d(3, 3, 3)
    def forward(self, x):
        return self.part(x)
def flow():
    return Flow(False)
def normed():
    return Flow(True)
""",
    "models/__init__.py": "from .nets import *\n",
    "train.py": """
import argparse, torch, models
parser = argparse.ArgumentParser()
parser.add_argument('--arch', default='flow', choices=sorted(models.__dict__))
args = parser.parse_args()
models.__dict__[args.arch]()(torch.randn(8, 3, 8, 8))
""",
}


@pytest.mark.parametrize(("listed", "expected"), [("__all__", "normed"), ("names", "conv")])
def test_what_a_module_imports_but_does_not_export_is_none_of_its_models(
    tmp_path: Path, listed: str, expected: str
) -> None:
    nets = PACKAGE["models/nets.py"].replace("__all__", listed)
    runs = rehearse_files(tmp_path, {**PACKAGE, "models/nets.py": nets}, "train.py").runs
    assert [run.options for run in runs if run.options] == [(f"--arch {expected}",)]
