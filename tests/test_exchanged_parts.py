"""Published networks whose layers a program exchanges: who may have lost its BatchNorm layers."""

from pathlib import Path
from textwrap import dedent

import pytest

import bnlint

HEAD = """
from functools import reduce
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.models import resnet18, vgg16_bn
from torchvision.transforms import ToTensor

"""
FIT = """
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
loader = DataLoader(ImageFolder("data", ToTensor()), batch_size=2, shuffle=True, drop_last=True)
for inputs, labels in loader:
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(inputs), labels).backward()
    optimizer.step()
"""
RECURSION = """
net = resnet18()
def exchange(module):
    for name, child in module.named_children():
        if isinstance(child, {old}):
            setattr(module, name, {new})
        else:
            exchange(child)
exchange(net)
"""
LOOP = """
net = resnet18()
for name, module in list(net.named_modules()):
    if isinstance(module, nn.BatchNorm2d):
        parent, _, last = name.rpartition(".")
        {put}
"""
GROUP = "nn.GroupNorm(16, module.num_features)"
LOST = {
    "children": RECURSION.format(old="nn.BatchNorm2d", new="nn.GroupNorm(16, 64)"),
    "set in the parent": LOOP.format(put=f"setattr(net.get_submodule(parent), last, {GROUP})"),
    "set by the path": LOOP.format(put=f"net.set_submodule(name, {GROUP})"),
    "a parent that is looked up": LOOP.format(
        put=f"setattr(reduce(getattr, parent.split('.'), net) if parent else net, last, {GROUP})"
    ),
    "names of attributes": """
net = resnet18()
def exchange(module):
    for name in dir(module):
        if type(getattr(module, name)) == nn.BatchNorm2d:
            setattr(module, name, nn.GroupNorm(16, 64))
    for _, child in module.named_children():
        exchange(child)
net.apply(exchange)
""",
    "a dict of all modules": """
net = resnet18()
modules = dict(net.named_modules())
for name, module in modules.items():
    if isinstance(module, nn.BatchNorm2d):
        parent, _, last = name.rpartition(".")
        setattr(modules[parent], last, nn.GroupNorm(16, module.num_features))
""",
    "the modules of a module": """
net = resnet18()
def exchange(module):
    for name in module._modules:
        if type(module._modules[name]) is nn.BatchNorm2d:
            module._modules[name] = nn.GroupNorm(16, module._modules[name].num_features)
        else:
            exchange(module._modules[name])
exchange(net)
""",
    "items of a part": """
net = vgg16_bn()
for number, module in enumerate(net.features):
    if isinstance(module, nn.BatchNorm2d):
        net.features[number] = nn.GroupNorm(16, module.num_features)
""",
    "the name of the class": """
nn.BatchNorm2d = lambda channels, **options: nn.GroupNorm(16, channels)
net = resnet18()
""",
    "the name of the class, where that is asked for": """
import sys
if sys.argv[1:] == ["--groups"]:
    setattr(torch.nn, "BatchNorm2d", lambda channels, **options: nn.GroupNorm(16, channels))
net = resnet18()
""",
    "the name of the class, for layers of one's own": """
nn.BatchNorm2d = lambda channels: nn.GroupNorm(4, channels)
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.LazyLinear(2))
""",
    "a module that is imported sets the name": "import groups\nnet = resnet18()\n",
    "attributes of blocks": """
net = resnet18()
net.bn1 = nn.GroupNorm(16, 64)
for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
    for block in layer:
        block.bn1 = nn.GroupNorm(16, block.bn1.num_features)
        block.bn2 = nn.GroupNorm(16, block.bn2.num_features)
""",
}
OWN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))
        self.head = nn.Linear(8, 2)
    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))
net = Net()
for name, module in list(net.named_modules()):
    if isinstance(module, nn.BatchNorm2d):
        parent, _, last = name.rpartition(".")
        {put}
"""
LOST_OF_OWN = {
    "among its modules": f"net.get_submodule(parent)._modules[last] = {GROUP}".replace("16", "4"),
    "by its path": f"net.set_submodule(name, {GROUP})".replace("16", "4"),
}
KEPT = {
    "other BatchNorm layers": RECURSION.format(old="nn.BatchNorm2d", new="nn.BatchNorm2d(64)"),
    "activations": RECURSION.format(old="nn.ReLU", new="nn.SiLU()"),
    "convolutions": RECURSION.format(old="nn.Conv2d", new="nn.Conv2d(64, 64, 3)"),
    "a name that is given back": """
old = nn.BatchNorm2d
nn.BatchNorm2d = nn.Identity
other = resnet18()
nn.BatchNorm2d = old
net = resnet18()
""",
    "the name of a class of activations": "nn.ReLU = nn.SiLU\nnet = resnet18()\n",
    "the first layer of a part": "net = vgg16_bn()\nnet.features[0] = nn.Conv2d(1, 64, 3)\n",
    "the head of a part": "net = vgg16_bn()\nnet.classifier[6] = nn.Sequential(nn.Linear(4096, 2))\n",
    "the head": "net = resnet18()\nnet.fc = nn.Sequential(nn.LayerNorm(512), nn.Linear(512, 2))\n",
}


def rules(folder: Path, net: str) -> list[str]:
    groups = "from torch import nn\nnn.BatchNorm2d = lambda n, **_: nn.GroupNorm(16, n)\n"
    (folder / "groups.py").write_text(groups)
    file = folder / "train.py"
    file.write_text(HEAD + dedent(net) + FIT)
    return [f.rule for f in bnlint.lint_paths([file]) if f.rule != "BN201"]


@pytest.mark.parametrize("net", LOST)
def test_a_network_whose_norms_may_be_gone_is_not_said_to_have_some(
    tmp_path: Path, net: str
) -> None:
    assert rules(tmp_path, LOST[net]) == []


@pytest.mark.parametrize("put", LOST_OF_OWN)
def test_the_norms_of_a_network_of_the_program_are_exchanged(tmp_path: Path, put: str) -> None:
    assert rules(tmp_path, OWN.format(put=LOST_OF_OWN[put])) == []
    assert rules(tmp_path, OWN.format(put="pass")) == ["BN501"]


def test_the_parts_of_a_network_are_all_exchanged_at_once(tmp_path: Path) -> None:
    code = OWN.split("for name, module")[0]
    parts = "net.body._modules = dict([('0', nn.Conv2d(3, 8, 3)), ('1', {})])\n"
    assert rules(tmp_path, code + parts.format("nn.GroupNorm(4, 8)")) == []
    assert rules(tmp_path, code + parts.format("nn.BatchNorm2d(8)")) == ["BN501"]
    assert rules(tmp_path, code.replace("self.head =", "self._modules['head'] =")) == ["BN501"]


NAMED = """
from elsewhere import unknown
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 2)
    def forward(self, x):
        return self.head(self.bn(self.conv(x)).mean((2, 3)))
def exchange(module):
    for name in dir(module):
        if type(getattr(module, name)) == nn.{old}:
            setattr(module, name, nn.{new})
    for _, child in module.named_children():
        exchange(child)
net = nn.Sequential(*[Net() for _ in range(3)])
net.apply(exchange)
"""


def test_parts_are_found_by_the_names_of_attributes(tmp_path: Path) -> None:
    assert rules(tmp_path, NAMED.format(old="BatchNorm2d", new="GroupNorm(4, 8)")) == []
    assert rules(tmp_path, NAMED.format(old="BatchNorm2d", new="BatchNorm2d(8, eps=1e-3)")) == [
        "BN501"
    ]
    assert rules(tmp_path, NAMED.format(old="ReLU", new="SiLU()")) == ["BN501"]


def test_whether_a_layer_has_a_name_of_torch_is_not_read_from_its_own(tmp_path: Path) -> None:
    made = NAMED.format(old="ReLU", new="SiLU()")
    asked = made + "if 'named_children' not in {}:\n    net = nn.Identity()\n"
    assert rules(tmp_path, asked.format("dir(net)")) == rules(tmp_path, asked.format("unknown()"))
    assert rules(tmp_path, asked.format("['bn']")) == []


@pytest.mark.parametrize("net", KEPT)
def test_a_network_that_lost_other_layers_has_its_norms(tmp_path: Path, net: str) -> None:
    assert rules(tmp_path, KEPT[net]) == ["BN501"]


def test_what_one_script_sets_is_not_set_in_another(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("from torchvision.models import resnet18\n")
    exchanged = HEAD + "import nets\n" + LOST["the name of the class"] + FIT
    (tmp_path / "a.py").write_text(exchanged)
    (tmp_path / "b.py").write_text(HEAD + "import nets\nnet = nets.resnet18()\n" + FIT)
    assert [f.span.path for f in bnlint.lint_paths([tmp_path])] == [str(tmp_path / "b.py")]
