"""How far the positions of tensors are apart, by the layers that make them."""

from fractions import Fraction

import pytest

from bnlint.facts.passes.model_graphs.strides import strides_of
from tests.rehearsing import rehearse

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.half = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.wide = nn.Conv2d(3, 8, 3, stride=(1, 2))
        self.same = nn.Conv2d(3, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Sigmoid())

    def forward(self, x, y):
        return {code}

net = Net()
"""
STRIDES = {
    "x": 1,
    "F.relu(self.half(x))": 2,
    "self.pool(self.half(x))": 4,
    "self.up(self.half(x))": 1,
    "F.avg_pool2d(x, 4)": 4,
    "F.interpolate(x, scale_factor=2)": Fraction(1, 2),
    "F.interpolate(self.half(x), scale_factor=(2.0, 2.0))": 1,
    "torch.cat([self.half(x), F.interpolate(self.pool(self.half(x)), scale_factor=2)], dim=1)": 2,
    "self.half(x) * self.gate(self.half(x))": 2,
    "self.half(x) + F.interpolate(self.same(x), size=(8, 8))": 2,
    "torch.cat([self.half(x), self.half(x)])": None,
    "self.half(x) + self.same(x)": None,
    "self.same(x) + self.same(y)": None,
    "self.wide(x)": None,
    "F.interpolate(x, size=7)": None,
    "self.half(x) if y.sum() > 0 else self.gate(self.half(x))": None,
    "self.half(x).flatten(2)": None,
    "nn.functional.adaptive_avg_pool2d(x, 1)": None,
}


@pytest.mark.parametrize("code", STRIDES)
def test_strides(code: str) -> None:
    (graph,) = rehearse(NET.replace("{code}", code)).graphs
    stride = strides_of(graph)[graph.outputs[0]]
    assert (stride.step if stride is not None else None) == STRIDES[code]
