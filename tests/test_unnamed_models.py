"""A model under a name that is not known is one of those that its registry or module builds."""

from pathlib import Path

import pytest

from bnlint.facts.passes.forwards import is_live
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import ModeSwitched, Stored
from bnlint.interpreter.python.unnamed_models import MOST_TRIED
from tests.rehearsing import forwards, main_run, rehearse, rehearse_files

NETS = """
from torch import nn
__all__ = ["Net", "wide", "deep", "plain", "load"]
def conv(width):
    return nn.Conv2d(width, width, 3)
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bn = nn.BatchNorm2d(width)
    def forward(self, x):
        return self.bn(x)
class Net(nn.Module):
    def __init__(self, width, classes=10):
        super().__init__()
        self.block = Block(width)
    def forward(self, x):
        return self.block(x)
def _made(width, **options):
    net = Net(width, **options)
    return net
def wide(**options):
    return _made(512, **options)
def deep(pretrained=False, **options):
    net = _made(64, **options)
    return net
def load(net, path):
    return net
"""
PLAIN = """
from torch import nn
class Plain(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.fc = nn.Linear(8, classes)
    def forward(self, x):
        return self.fc(x)
def plain(classes=10):
    return Plain(classes)
"""
IMPORTS = {
    "stars": "from .nets import *\nfrom .plain import *\n",
    "names": "from .nets import wide, deep\nfrom .plain import plain\n",
}
FILES = {"models/nets.py": NETS, "models/plain.py": PLAIN}
ASKED = {
    "__dict__": "net = models.__dict__[sys.argv[1]](classes=5)",
    "get": "net = models.__dict__.get(sys.argv[1])(classes=5)",
    "vars": "net = vars(models)[sys.argv[1]](classes=5)",
    "getattr": "net = getattr(models, sys.argv[1])(classes=5)",
    "a default that is not there": """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--arch", default="huge")
net = models.__dict__[parser.parse_args().arch](classes=5)
""",
}


@pytest.mark.parametrize("imports", IMPORTS.values(), ids=IMPORTS)
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_one_of_the_models_of_a_package(asked: str, imports: str, tmp_path: Path) -> None:
    files = {
        "train.py": f"import sys, models\n{asked}\nnet(torch.randn(2, 512, 8, 8))\n",
        "models/__init__.py": imports,
        **FILES,
    }
    found = forwards(rehearse_files(tmp_path, files, "train.py"))
    has = {forward.model.type: forward.model.has_batchnorm for forward in found}
    assert has == {"Net": Known.YES, "Plain": Known.NO}
    assert len({forward.model.identity for forward in found}) == 3  # wide, deep, plain


def test_a_name_that_is_known_means_one(tmp_path: Path) -> None:
    files = {
        "train.py": "import models\nnet = models.__dict__['wide']()\nnet(torch.randn(2, 512, 8, 8))\n",
        "models/__init__.py": IMPORTS["names"],
        **FILES,
    }
    (forward,) = forwards(rehearse_files(tmp_path, files, "train.py"))
    assert forward.context.certain


def test_a_module_of_other_functions_builds_no_models(tmp_path: Path) -> None:
    files = {
        "train.py": "import sys, tools\ngetattr(tools, sys.argv[1])(torch.nn.BatchNorm2d(3))\n",
        "tools.py": "def show(net):\n    net.eval()\n    return net(torch.randn(2, 3, 8, 8))\n",
    }
    runs = rehearse_files(tmp_path, files, "train.py").runs
    assert not [event for run in runs if run.main for event in run.of_type(ModeSwitched)]


def test_classes_that_others_are_made_of_are_not_meant(tmp_path: Path) -> None:
    files = {
        "train.py": "import sys, nets\nnet = getattr(nets, sys.argv[1])(8)\nnet(torch.ones(2, 8, 4, 4))",
        "nets.py": NETS.partition("def _made")[0],
    }
    found = forwards(rehearse_files(tmp_path, files, "train.py"))
    assert [forward.model.type for forward in found] == ["Net"]


HANDED = """
import sys
class A(Net): pass
class B(Net): pass
MODELS = {"a": A, "b": B}
"""


@pytest.mark.parametrize(
    "model",
    [
        "MODELS[sys.argv[1]]()",
        "MODELS[settings.arch]()",
        "MODELS.get(sys.argv[1])()",
        "nn.DataParallel(MODELS[sys.argv[1]]())",
        "nn.DataParallel(module=MODELS[sys.argv[1]]()).cuda()",
    ],
)
def test_one_of_a_registry_is_followed_into_wrappers(model: str) -> None:
    code = f"{HANDED}\nimport settings\nnet = {model}\nnet.eval()\nnet(torch.randn(2, 3, 8, 8))\n"
    found = forwards(rehearse(code, net=True))
    assert {forward.model.type for forward in found} == {"A", "B"}
    assert all(forward.model.has_batchnorm is Known.YES for forward in found)
    assert found[0].context.excludes(found[1].context)
    assert not any(map(is_live, found))


@pytest.mark.parametrize(
    "registry",
    [
        "{'a': models.resnet18, 'b': models.resnet34}[sys.argv[1]]",
        "{'a': partial(models.resnet18), 'b': partial(models.resnet34)}[sys.argv[1]]",
        "{'a': {'build': models.resnet18}, 'b': {'build': models.resnet34}}[sys.argv[1]]['build']",
    ],
)
def test_one_of_a_registry_of_library_models(registry: str) -> None:
    code = "import sys\nfrom functools import partial\nfrom torchvision import models\n"
    code += f"net = {registry}(num_classes=5)\nnet(torch.randn(2, 3, 64, 64))\n"
    found = forwards(rehearse(code))
    assert {forward.model.type for forward in found} == {"resnet18", "resnet34"}
    assert found[0].context.excludes(found[1].context)
    assert all(map(is_live, found))


def test_a_long_registry_of_library_models_has_one_with_batchnorm() -> None:
    names = "vgg11 vgg13 vgg16 vgg19 alexnet squeezenet1_0 resnet18 vit_b_16".split()
    registry = ", ".join(f"'{name}': models.{name}" for name in names)
    code = f"import sys\nfrom torchvision import models\nnet = {{{registry}}}[sys.argv[1]]()\n"
    found = forwards(rehearse(f"{code}net(torch.randn(2, 3, 64, 64))\n"))
    assert found[0].model.type == "resnet18"
    assert len(found) == MOST_TRIED


def test_one_of_many_that_may_be_wrapped_is_followed() -> None:
    names = "ABCDEF"
    code = "\n".join(f"class {name}(Net): pass" for name in names)
    code += "\nMODELS = {" + ", ".join(f"'{name}': {name}" for name in names) + "}\n"
    code += "net = MODELS[sys.argv[1]]()\nif torch.cuda.device_count() > 1:\n    net = nn.DataParallel(net)\n"
    code = f"import sys\n{code}net.eval()\nnet(torch.randn(2, 3, 8, 8))\n"
    found = forwards(rehearse(code, net=True))
    assert {forward.model.type for forward in found} == set(names)
    assert not any(map(is_live, found))


def test_one_of_a_registry_is_exported() -> None:
    code = f"{HANDED}\nnet = MODELS[sys.argv[1]]()\ntorch.jit.trace(net, torch.ones(1, 3, 8, 8))\n"
    stored = [*main_run(rehearse(code, net=True)).of_type(Stored)]
    assert [event.models[0].type for event in stored] == ["A", "B"]
    assert all(map(is_live, stored))


def test_a_long_registry_is_a_few_of_its_models(tmp_path: Path) -> None:
    several = "\n".join(f"class N{i}(plain.Plain): pass" for i in range(8))
    names = ", ".join(f'"n{i}": N{i}' for i in range(8))
    code = f"#\nimport sys, nets, used, plain, torch\n{several}\n"
    code += f"MODELS = {{{names}, 'net': nets.Net, 'user': used.User}}\n"
    code += "net = MODELS[sys.argv[1]](8)\nnet(torch.randn(2, 8, 4, 4))\n"
    used = (
        "from nets import Block\nfrom plain import Plain\nclass User(Plain):\n    block = Block\n"
    )
    files = {"train.py": code, "nets.py": NETS, "plain.py": PLAIN, "used.py": f"#\n{used}"}
    kinds = [f.model.type for f in forwards(rehearse_files(tmp_path, files, "train.py"))]
    assert kinds[:2] == ["Net", "User"]
    assert len(kinds) == MOST_TRIED


def test_what_is_wrapped_may_be_anything() -> None:
    (forward,) = forwards(rehearse("net = nn.DataParallel(make())\nnet(torch.randn(2, 3, 8, 8))\n"))
    assert forward.model.has_batchnorm is Known.UNKNOWN


CHOSEN = """
class Own(nn.BatchNorm2d): pass
class Block(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.norm = norm
    def forward(self, x):
        return self.norm(x)
if torch.cuda.device_count() > 1:
    norm = {first}
else:
    norm = {second}
net = {net}
net(torch.randn(2, 3, 8, 8))
"""
NORM, OWN, OTHER = "nn.BatchNorm2d", "Own", "nn.InstanceNorm2d"


@pytest.mark.parametrize(
    ("first", "second", "net", "live"),
    [
        (NORM, OWN, "Block(norm(3))", True),
        (f"{NORM}(3)", "Own(3)", "Block(norm)", True),
        (f"Block({NORM}(3))", "Block(Own(3))", "nn.Sequential(norm)", True),
        (NORM, OTHER, "Block(norm(3))", False),
        (f"{NORM}(3)", "None", "Block(norm)", False),
        (f"{NORM}(3)", "make()", "Block(norm)", False),
        (f"{NORM}(3)", "Own(3).eval()", "Block(norm)", False),
        (f"{NORM}(3)", f"{NORM}(3, track_running_stats=False)", "Block(norm)", False),
    ],
)
def test_a_layer_that_is_of_one_kind_or_another(
    first: str, second: str, net: str, *, live: bool
) -> None:
    found = forwards(rehearse(CHOSEN.format(first=first, second=second, net=net)))
    assert [is_live(forward) for forward in found] == [live]


DESCRIBED = """

class Described:
    base = Net
    args = [512]
    kwargs = {}
class Wide(Described):
    pass
class Deep(Described):
    base = Block
class Unused:
    base = "Net"
"""


def test_one_of_the_classes_that_describe_a_model(tmp_path: Path) -> None:
    files = {
        "train.py": """
import sys, models
chosen = getattr(models, sys.argv[1])
net = chosen.base(*chosen.args, **chosen.kwargs)
net(torch.randn(2, 512, 8, 8))
""",
        "models/__init__.py": "from .nets import *\n",
        "models/nets.py": NETS.replace('"Net"', '"Wide", "Deep"') + DESCRIBED,
    }
    found = forwards(rehearse_files(tmp_path, files, "train.py"))
    has = {forward.model.type: forward.model.has_batchnorm for forward in found}
    assert has == {"Net": Known.YES, "Block": Known.YES}
