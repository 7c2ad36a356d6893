"""Which models count as published, so that their checkpoints must go on fitting."""

import pytest

from bnlint.lint import engine

FILE = """\
import torch
from torch import nn
from torch.hub import load_state_dict_from_url


class Published(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, x):
        return self.features(x)


def _build(url, pretrained):
    model = Published()
    if pretrained:
        model.load_state_dict(load_state_dict_from_url(url))
    return model


def published(pretrained=False):
    return _build("https://example.org/net.pth", pretrained)


model = published()
loaded = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
loaded.load_state_dict(torch.hub.load_state_dict_from_url("https://example.org/other.pth"))
"""
OWN = """

class Own(nn.Module):
    # unlike others, it never calls load_state_dict_from_url(
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, x):
        return self.features(x)


own = Own()
"""


def biases(code: str) -> list[int]:
    return [f.span.line for f in engine.lint_text(code) if f.rule == "BN201"]


def test_weights_may_be_fetched_by_the_function_that_builds_the_model_or_by_the_script() -> None:
    assert biases(FILE) == []


def test_another_model_of_the_same_file_is_not_published() -> None:
    code = FILE + OWN
    assert biases(code) == [code.count("\n", 0, code.rindex("nn.Conv2d")) + 1]


BACKBONE = """\
import torch
from torch import nn


def layers(sizes):
    made, before = [], 3
    for size in sizes:
        made += [nn.Conv2d(before, size, 3), nn.BatchNorm2d(size), nn.ReLU()]
        before = size
    return nn.Sequential(*made)


class Backbone(nn.Module):
    def __init__(self, pretrained):
        super().__init__()
        whole = layers([8, 16])
        LOADING
        self.features = whole

    def forward(self, x):
        return self.features(x)


class Detector(nn.Module):
    def __init__(self, pretrained=True):
        super().__init__()
        self.backbone = Backbone(pretrained)
        self.head = nn.Sequential(nn.Conv2d(16, 8, 1), nn.BatchNorm2d(8))

    def forward(self, x):
        return self.head(self.backbone(x))


model = Detector()
"""


def test_layers_of_a_backbone_that_is_loaded_are_kept_and_those_of_the_head_are_not() -> None:
    own = BACKBONE.replace("LOADING", "pass")
    lines = [n for n, line in enumerate(own.splitlines(), 1) if "nn.Conv2d(" in line]
    assert biases(own) == lines
    for loading in (
        "if pretrained:\n            whole.load_state_dict(torch.load('vgg.pth'))",
        "load_pretrained_weights(whole, 'https://example.org/vgg.pth')",
    ):
        shift = loading.count("\n")
        assert biases(BACKBONE.replace("LOADING", loading)) == [lines[1] + shift]


PREDICTING = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU())
net.load_state_dict(torch.load("net.pth"))
net.eval()
print(net(torch.ones(1, 3)))
"""
TRAINING = """
net.train()
for inputs, targets in torch.load("data.pt"):
    nn.functional.mse_loss(net(inputs), targets).backward()
"""


def test_what_is_loaded_and_never_trained_has_its_weights_already() -> None:
    assert biases(PREDICTING) == []
    assert biases(PREDICTING + TRAINING) == [4]


def test_another_network_that_is_trained_does_not_train_what_is_loaded() -> None:
    other = "other = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8))\n"
    training = TRAINING.replace("net", "other")
    assert biases(PREDICTING + other + training) == [8]
    whole = "other = nn.Sequential(net, nn.ReLU())\n"
    assert biases(PREDICTING + whole + training) == [4]


ONE_BY_ONE = """\
import torch
from torch import nn

def load(model, saved):
    own = model.state_dict()
    for name, param in saved.items():
        if name in own:
            own[name].copy_(param)

net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU())
whole = nn.DataParallel(net)
one_of_them = whole if torch.cuda.is_available() else net
load(WHICH, torch.load("net.pth"))
net.eval()
print(net(torch.ones(1, 3)))
"""


@pytest.mark.parametrize("which", ["net", "whole", "one_of_them"])
def test_weights_that_are_copied_one_by_one_are_loaded(which: str) -> None:
    code = ONE_BY_ONE.replace("WHICH", which)
    assert biases(code) == []
    assert biases(code + TRAINING) == [10]
