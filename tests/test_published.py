"""Which models count as published, so that their checkpoints must go on fitting."""

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
