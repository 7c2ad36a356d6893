"""Which sums are residual additions."""

import pytest

from tests.rehearsing import graph, rehearse

LAYERS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.down = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.wide = nn.Conv2d(16, 16, 3, padding=1)
        self.project = nn.Conv2d(8, 16, 1, stride=2)
        self.lateral = nn.Conv2d(8, 16, 1)
        self.norm, self.norm16 = nn.BatchNorm2d(8), nn.BatchNorm2d(16)
        self.pool = nn.AvgPool2d(2)
        self.scale = nn.Parameter(torch.ones(1))
        self.attention = nn.MultiheadAttention(8, 2)

    def forward(self, x):
        return {forward}

model = Net()
"""
RESIDUAL = {
    "identity": "x + self.b(self.a(x).relu())",
    "the other way round": "self.a(x) + x",
    "a factor on the shortcut": "0.5 * x + self.a(x)",
    "a parameter on the shortcut": "self.scale * x + self.a(x)",
    "slices": "x[:, :, 1:] + self.a(x)[:, :, 1:]",
    "padded channels": "F.pad(self.pool(x), (0, 0, 0, 0, 4, 4)) + self.wide(self.down(x))",
    "a projection": "self.norm16(self.project(x)) + self.wide(self.down(x).relu())",
    "a projection of a pooled input": "self.lateral(self.pool(x)) + self.wide(self.down(x))",
    "a shared activation": "(lambda h: self.project(h) + self.wide(self.down(h)))(x.relu())",
    "attention": "x + self.attention(x, x, x)[0]",
}
OTHERS = {
    "two layers": "self.a(x) + self.b(x)",
    "a longer path and a shorter one that learns, too": "self.b(self.a(x)) + self.c(x)",
    "a gate on the input": "x * torch.sigmoid(self.a(x)) + self.b(x)",
    "a gate that comes from the branch": "(lambda h: x * h.sigmoid() + self.b(h))(self.a(x).relu())",
    "a norm beside a layer": "self.norm(x) + self.a(x)",
    "an activation of the input": "x.relu() + self.b(self.a(x))",
    "levels of a pyramid": "self.lateral(x) + F.interpolate(self.wide(self.down(x)), scale_factor=2)",
    "no layer at all": "x + x.relu()",
    "a bias": "self.a(x) + self.scale",
}


@pytest.mark.parametrize("name", RESIDUAL)
def test_a_shortcut_and_a_branch_are_a_residual_addition(name: str) -> None:
    assert len(graph(rehearse(LAYERS.format(forward=RESIDUAL[name]))).residuals) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_other_sums_are_none(name: str) -> None:
    assert graph(rehearse(LAYERS.format(forward=OTHERS[name]))).residuals == ()
