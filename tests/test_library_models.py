"""Frozen BatchNorm layers of third-party models, whose layers are not listed, in all spellings."""

from textwrap import indent

import pytest

from bnlint import registry
from bnlint.lint import engine

SCRIPT = """\
import re
import timm
import torch
import segmentation_models_pytorch as smp
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

{before}

net = {net}
for p in net.parameters():
    p.requires_grad = False
head = nn.Linear(1000, 10)
data = datasets.ImageFolder("train", transforms.ToTensor())
loader = DataLoader(data, batch_size=4, shuffle=True)
opt = torch.optim.SGD(head.parameters(), lr=0.1)
for epoch in range(10):
    net.train()
{remedy}
    for x, y in loader:
        loss = nn.functional.cross_entropy(head(net(x)), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
"""
NETS = {
    "torchvision": 'models.resnet18(weights="DEFAULT")',
    "timm": 'timm.create_model("resnet50", pretrained=True)',
    "segmentation_models_pytorch": 'smp.Unet("resnet34")',
    "DataParallel": "nn.DataParallel(models.resnet18(pretrained=True)).cuda()",
}
REMEDIES = {
    "a loop over modules": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.eval()
""",
    ),
    "the private base class": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.modules.batchnorm._BatchNorm):
        m.eval()
""",
    ),
    "a tuple of types": (
        "",
        """\
for m in net.modules():
    if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
        m.eval()
""",
    ),
    "type()": (
        "",
        """\
for m in net.modules():
    if type(m) == nn.BatchNorm2d:
        m.eval()
""",
    ),
    "a list of types": (
        "",
        """\
for m in net.modules():
    if type(m) in [nn.BatchNorm2d, nn.SyncBatchNorm]:
        m.eval()
""",
    ),
    "the name of the class": (
        "",
        """\
for m in net.modules():
    if m.__class__.__name__.find("BatchNorm") != -1:
        m.eval()
""",
    ),
    "apply with the name of the class": (
        """\
def set_bn_eval(m):
    classname = m.__class__.__name__
    if classname.find("BatchNorm") != -1:
        m.eval()
""",
        "net.apply(set_bn_eval)",
    ),
    "a word in the name of the type": (
        "",
        """\
for m in net.modules():
    if "BatchNorm" in type(m).__name__:
        m.eval()
""",
    ),
    "a word in the text of the type": (
        "",
        """\
for m in net.modules():
    if "BatchNorm" in str(type(m)):
        m.eval()
""",
    ),
    "a pattern on the name of the class": (
        "",
        """\
for m in net.modules():
    if re.match("BatchNorm", m.__class__.__name__):
        m.eval()
""",
    ),
    "the beginning of the name": (
        "",
        """\
for m in net.modules():
    if type(m).__name__.startswith("BatchNorm"):
        m.eval()
""",
    ),
    "a word in the name of the module": (
        "",
        """\
for name, m in net.named_modules():
    if "bn" in name:
        m.eval()
""",
    ),
    "the last part of the name": (
        "",
        """\
for name, m in net.named_modules():
    if name.split(".")[-1].startswith("bn"):
        m.eval()
""",
    ),
    "apply": (
        """\
def freeze(m):
    if isinstance(m, nn.BatchNorm2d):
        m.eval()
""",
        "net.apply(freeze)",
    ),
    "apply with a lambda": (
        "",
        "net.apply(lambda m: m.eval() if isinstance(m, nn.BatchNorm2d) else None)",
    ),
    "a helper function that also freezes": (
        """\
def freeze_bn(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
            module.weight.requires_grad = False
            module.bias.requires_grad = False
""",
        "freeze_bn(net)",
    ),
    "recursion over named children": (
        """\
def freeze_bn(model):
    for name, module in model.named_children():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
        else:
            freeze_bn(module)
""",
        "freeze_bn(net)",
    ),
    "recursion over children": (
        """\
def freeze_bn(model):
    for module in model.children():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
        freeze_bn(module)
""",
        "freeze_bn(net)",
    ),
    "recursion over _modules": (
        """\
def freeze_bn(model):
    for k, module in model._modules.items():
        if type(module) == nn.BatchNorm2d:
            module.eval()
        else:
            freeze_bn(module)
""",
        "freeze_bn(net)",
    ),
    "the attribute training": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.training = False
""",
    ),
    "continue": (
        "",
        """\
for m in net.modules():
    if not isinstance(m, nn.BatchNorm2d):
        continue
    m.eval()
""",
    ),
    "train(False)": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.train(False)
""",
    ),
    "train() of a condition": (
        "",
        """\
for m in net.modules():
    m.train(not isinstance(m, nn.BatchNorm2d))
""",
    ),
    "a comprehension": ("", "[m.eval() for m in net.modules() if isinstance(m, nn.BatchNorm2d)]"),
    "a list": (
        "",
        """\
bns = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
for bn in bns:
    bn.eval()
""",
    ),
    "filter": (
        "",
        """\
for m in filter(lambda m: isinstance(m, nn.BatchNorm2d), net.modules()):
    m.eval()
""",
    ),
    "a generator": (
        """\
def norms(model):
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            yield m
""",
        """\
for m in norms(net):
    m.eval()
""",
    ),
    "part by part": (
        "",
        """\
net.bn1.eval()
net.layer1.eval()
net.layer2.eval()
net.layer3.eval()
net.layer4.eval()
""",
    ),
    "parts by getattr": (
        "",
        """\
for name in ["bn1", "layer1", "layer2"]:
    getattr(net, name).eval()
""",
    ),
    "a layer of a part": ("", "net.layer4[1].bn2.eval()"),
    "a loop over a part": (
        "",
        """\
for layer in net.features:
    layer.eval()
""",
    ),
    "get_submodule": ("", 'net.get_submodule("layer4.0").eval()'),
    "a key of _modules": ("", 'net._modules["layer4"].eval()'),
    "some children": (
        "",
        """\
for child in list(net.children())[:-1]:
    child.eval()
""",
    ),
    "children by number": (
        "",
        """\
for i, child in enumerate(net.children()):
    if i < 7:
        child.eval()
""",
    ),
    "children by name": (
        "",
        """\
for n, child in net.named_children():
    if n in ["bn1", "layer1"]:
        child.eval()
""",
    ),
    "a method of the package": ("", "net.freeze_bn()"),
    "a method that freezes a part": ("", "net.freeze_backbone()"),
    "hasattr": (
        "",
        """\
for m in net.modules():
    if hasattr(m, "running_mean"):
        m.eval()
""",
    ),
    "a function of another package": ("from somewhere import freeze_bn", "freeze_bn(net)"),
    "train() is replaced": (
        """\
def disabled_train(self, mode=True):
    return self
""",
        """\
net.eval()
net.train = disabled_train
""",
    ),
    "the whole model": ("", "net.eval()"),
}
"""What puts the BatchNorm layers, or some of them, into eval mode: code before, and code in the loop."""
MISTAKES = {
    "nothing": ("", ""),
    "layers of another dimension": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.BatchNorm1d):
        m.eval()
""",
    ),
    "other layers": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.Dropout):
        m.eval()
""",
    ),
    "train() afterwards": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.eval()
net.train()
""",
    ),
    "an initialisation": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.Conv2d):
        nn.init.kaiming_normal_(m.weight)
""",
    ),
    "gradients alone": (
        "",
        """\
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.weight.requires_grad_(False)
""",
    ),
}
"""What leaves them in train mode."""


ABOUT_BATCHES = ("BN501", "BN701", "BN702")


def found(before: str, remedy: str, net: str) -> list[str]:
    code = SCRIPT.format(before=before, net=net, remedy=indent(remedy or "pass", "    "))
    rules = [registry.rules()[rule] for rule in ABOUT_BATCHES]
    findings = engine.lint_text(code, rules=rules)
    return sorted(f.rule for f in findings if f.rule in ABOUT_BATCHES)


@pytest.mark.parametrize(("before", "remedy"), REMEDIES.values(), ids=REMEDIES)
def test_a_remedy_silences(before: str, remedy: str) -> None:
    assert found(before, remedy, NETS["torchvision"]) == []


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_a_remedy_silences_for_every_package(net: str) -> None:
    assert found(*REMEDIES["apply"], net) == []


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported(mistake: str, net: str) -> None:
    frozen = "BN702" if mistake == "train() afterwards" else "BN701"
    assert found(*MISTAKES[mistake], net) == ["BN501", frozen]


def test_statistics_that_no_longer_follow_are_not_moved_by_a_frozen_part() -> None:
    remedy = """\
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.track_running_stats = False
"""
    assert found("", remedy, NETS["torchvision"]) == ["BN501"]


TAKEN_APART = """\
from functools import partial
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

m = {model}
net = nn.Sequential({parts}, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10))
data = datasets.ImageFolder("train", transforms.ToTensor())
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in DataLoader(data, batch_size=2, shuffle=True):
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
PARTS = {
    "a stage": ("models.resnet18()", "m.layer1"),
    "the stem": ("models.resnet50(weights=None)", "m.conv1, m.bn1, m.relu"),
    "features": ("models.densenet121(pretrained=True)", "m.features"),
    "by name": ("models.get_model('mobilenet_v2')", "m.features"),
    "of a group": ("models.vgg16_bn()", "m.features"),
    "with the usual norm": ("models.resnet50(norm_layer=nn.BatchNorm2d)", "m.layer1"),
    "with another momentum": (
        "models.resnet50(norm_layer=partial(nn.BatchNorm2d, momentum=0.01))",
        "m.layer1",
    ),
    "a backbone": ("models.segmentation.fcn_resnet50()", "m.backbone"),
    "the first layers": ("models.vgg19_bn()", "m.features[:36]"),
    "the first layers of a list": ("models.vgg19_bn()", "*list(m.features)[:31]"),
    "layers one by one": ("models.vgg19_bn()", "*m.features"),
}
WITHOUT_NORM = {
    "a pooling": ("models.resnet18()", "m.maxpool"),
    "no BatchNorm at all": ("models.vgg16()", "m.features"),
    "another norm": ("models.resnet18(norm_layer=make_norm)", "m.layer1"),
    "a group norm": ("models.resnet18(norm_layer=partial(nn.GroupNorm, 32))", "m.layer1"),
    "a norm without statistics": (
        "models.resnet18(norm_layer=partial(nn.BatchNorm2d, track_running_stats=False))",
        "m.layer1",
    ),
    "a norm that a transformer gets": ("models.swin_t(norm_layer=nn.BatchNorm2d)", "m.features"),
    "another norm, perhaps": ("models.resnet18(**make_options())", "m.layer1"),
    "the first layer alone": ("models.vgg19_bn()", "*list(m.features)[:1]"),
    "the last layers": ("models.vgg19_bn()", "m.features[36:]"),
    "the first layers, none of which is BatchNorm": ("models.vgg19_bn()", "*m.classifier[:5]"),
    "something inside a part": ("models.resnet18()", "m.layer1[0]"),
    "nothing that is known": ("models.resnet18()", "m.layer9"),
}


def batches(model: str, parts: str) -> list[str]:
    """Whether a small batch is reported, which it is where BatchNorm is known to be trained."""
    code = "import torch\n" + TAKEN_APART.format(model=model, parts=parts)
    return [f.rule for f in engine.lint_text(code, rules=[registry.rules()["BN501"]])]


@pytest.mark.parametrize(("model", "parts"), PARTS.values(), ids=PARTS)
def test_parts_that_contain_batchnorm_are_known(model: str, parts: str) -> None:
    assert batches(model, parts) == ["BN501"]


@pytest.mark.parametrize(("model", "parts"), WITHOUT_NORM.values(), ids=WITHOUT_NORM)
def test_parts_that_may_contain_none_say_nothing(model: str, parts: str) -> None:
    assert batches(model, parts) == []


REPLACED = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

net = models.resnet50(weights="DEFAULT")
net.fc = nn.Sequential(nn.Linear(2048, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
{freeze}
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        m.eval()
opt = torch.optim.SGD(net.fc.parameters(), lr=0.1)
for x, y in DataLoader(datasets.ImageFolder("d", transforms.ToTensor()), 64, shuffle=True):
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
ALL_BUT_THE_HEAD = {
    "parameters by name": """\
for name, p in net.named_parameters():
    if "fc" not in name:
        p.requires_grad = False
""",
    "parameters by another's name": """\
for name, p in net.named_parameters():
    p.requires_grad = name.startswith(("layer4", "fc"))
""",
    "most parameters": """\
for p in list(net.parameters())[:-6]:
    p.requires_grad = False
""",
    "children by name": """\
for name, child in net.named_children():
    if name != "fc":
        child.requires_grad_(False)
""",
    "most children": """\
for child in list(net.children())[:-1]:
    child.requires_grad_(False)
""",
    "children by number": """\
for number, child in enumerate(net.children()):
    if number < 7:
        child.requires_grad_(False)
""",
    "modules by name": """\
for name, m in net.named_modules():
    if not name.startswith("fc"):
        for p in m.parameters(recurse=False):
            p.requires_grad = False
""",
}


def frozen(freeze: str) -> list[str]:
    code = REPLACED.format(freeze=freeze)
    return [f.rule for f in engine.lint_text(code, rules=[registry.rules()["BN701"]])]


@pytest.mark.parametrize("freeze", ALL_BUT_THE_HEAD.values(), ids=ALL_BUT_THE_HEAD)
def test_a_head_that_was_put_in_is_not_frozen_with_the_rest(freeze: str) -> None:
    assert frozen(freeze) == []


def test_a_head_that_was_put_in_is_frozen_with_everything() -> None:
    assert frozen("net.requires_grad_(False)") == ["BN701"]
    assert frozen("for p in net.parameters():\n    p.requires_grad = False") == ["BN701"]


def test_a_head_that_was_put_in_is_frozen_by_its_name() -> None:
    by_name = (
        "for n, p in net.named_parameters():\n    if 'fc' in n:\n        p.requires_grad = False"
    )
    assert frozen(by_name) == ["BN701"]


FROZEN_BY_NAME = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms

net = models.{model}(weights="DEFAULT")
net.{head} = nn.Linear({width}, 10)
for name, p in net.named_parameters():
    {freeze}
opt = torch.optim.SGD(net.{head}.parameters(), lr=0.1)
net.train()
for x, y in DataLoader(datasets.ImageFolder("d", transforms.ToTensor()), 64, shuffle=True):
    loss = nn.functional.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
HOLDS_FOR_ALL = {
    "no word of the head": ("resnet50", "fc", 'if "fc" not in name: p.requires_grad = False'),
    "another beginning": (
        "densenet121",
        "classifier",
        'if not name.startswith("classifier"): p.requires_grad = False',
    ),
    "none of these names": (
        "resnet18",
        "fc",
        'if name not in ["fc.weight", "fc.bias"]: p.requires_grad = False',
    ),
}
HOLDS_FOR_SOME = {
    "all but a stage": ("resnet50", "fc", 'if "layer4" not in name: p.requires_grad = False'),
    "all but BatchNorm": ("resnet50", "fc", 'if "bn" not in name: p.requires_grad = False'),
    "the head": ("resnet50", "fc", 'if "fc" in name: p.requires_grad = False'),
}


def frozen_by_name(model: str, head: str, freeze: str) -> list[str]:
    code = FROZEN_BY_NAME.format(model=model, head=head, width=1000, freeze=freeze)
    return [f.rule for f in engine.lint_text(code, rules=[registry.rules()["BN701"]])]


@pytest.mark.parametrize("case", HOLDS_FOR_ALL.values(), ids=HOLDS_FOR_ALL)
def test_a_condition_on_names_is_known_for_all_batchnorm_layers(case: tuple[str, str, str]) -> None:
    assert frozen_by_name(*case) == ["BN701"]


@pytest.mark.parametrize("case", HOLDS_FOR_SOME.values(), ids=HOLDS_FOR_SOME)
def test_a_condition_that_holds_for_some_names_says_nothing(case: tuple[str, str, str]) -> None:
    assert frozen_by_name(*case) == []
