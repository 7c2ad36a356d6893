"""Gains and moments by theory against torch, and initialisers as they are read."""

import math

import pytest

from bnlint.facts.passes.initial_signal.gains import gain_of
from bnlint.facts.passes.initial_signal.moments import PIECEWISE, SMOOTH, UNIT, Moments, activated
from bnlint.facts.types.graph import Layer
from tests.rehearsing import graph, rehearse

LAYERS = {
    "linear": "nn.Linear(96, 48)",
    "conv": "nn.Conv2d(32, 64, 3)",
    "uneven kernel": "nn.Conv2d(32, 64, (1, 5))",
    "groups": "nn.Conv2d(64, 128, 3, groups=4)",
    "transposed": "nn.ConvTranspose2d(64, 32, 4, stride=2)",
    "one dimension": "nn.Conv1d(64, 16, 7)",
}
INITIALISERS = {
    "default": "pass",
    "kaiming": "nn.init.kaiming_normal_(w)",
    "kaiming uniform": "nn.init.kaiming_uniform_(w, a=0.2, mode='fan_out')",
    "kaiming relu": "nn.init.kaiming_normal_(w, mode='fan_in', nonlinearity='relu')",
    "kaiming linear": "nn.init.kaiming_normal_(w, 0, 'fan_out', 'linear')",
    "xavier": "nn.init.xavier_uniform_(w)",
    "xavier with a gain": "nn.init.xavier_normal_(w, nn.init.calculate_gain('relu'))",
    "normal": "nn.init.normal_(w, 0.0, 0.02)",
    "method": "w.data.normal_(std=0.03)",
    "uniform": "nn.init.uniform_(w, -0.1, 0.1)",
    "truncated": "nn.init.trunc_normal_(w, std=0.02)",
    "zeros": "nn.init.zeros_(w)",
    "scaled": "nn.init.kaiming_normal_(w); w.data *= 0.1",
    "scaled by a method": "nn.init.kaiming_normal_(w); w.data.mul_(0.5).div_(2)",
    "scaled by division": "w.data /= 3",
    "last one counts": "nn.init.zeros_(w); nn.init.xavier_normal_(w)",
    "reset": "nn.init.zeros_(w); self.layer.reset_parameters()",
}
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = {layer}
        w = self.layer.weight
        with torch.no_grad():
            {code}

    def forward(self, x):
        return self.layer(x)

model = Net()
"""


def read(layer: str, code: str) -> Layer:
    net = graph(rehearse(NET.format(layer=layer, code=code)))
    return next(found for found in net.layers if found.name == "layer")


@pytest.mark.parametrize("initialiser", INITIALISERS)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_gain_is_that_of_the_weights(layer: str, initialiser: str) -> None:
    torch = pytest.importorskip("torch")
    gain = gain_of(read(LAYERS[layer], INITIALISERS[initialiser]))
    torch.manual_seed(0)
    names = {"torch": torch, "nn": torch.nn}
    exec(NET.format(layer=LAYERS[layer], code=INITIALISERS[initialiser]), names)
    built = names["model"].layer
    weight = built.weight.detach()
    outputs = weight.shape[1] * built.groups if layer == "transposed" else weight.shape[0]
    squares = weight.square().sum().item() / outputs
    expected = squares / 4 if layer == "transposed" else squares
    assert gain == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(
    ("layer", "gain"),
    [("nn.Linear(64, 32)", 0.5), ("nn.Linear(32, 64)", 0.25), ("nn.Conv2d(8, 4, 3)", 0.5)],
)
def test_orthogonal_rows_or_columns_have_length_one(layer: str, gain: float) -> None:
    found = gain_of(read(layer, "nn.init.orthogonal_(w, gain=0.5 ** 0.5)"))
    assert found == pytest.approx(gain)


UNREADABLE = {
    "a function that is not known": "mylib.set_weights(w)",
    "a width that is not known": "nn.init.normal_(w, 0, mylib.std)",
    "a mean": "nn.init.normal_(w, 1.0, 0.1)",
    "an offset": "nn.init.uniform_(w, 0, 1)",
    "a copy": "w.copy_(mylib.weights)",
    "a part": "w.data[0] = 0.0",
    "another operation": "w.data += 1",
    "ones": "nn.init.ones_(w)",
    "an identity": "nn.init.dirac_(w)",
    "a condition": "nn.init.zeros_(w) if mylib.zero else None",
    "the whole network": "mylib.initialise(self)",
    "applied": "self.apply(mylib.initialise)",
    "a factor on a condition": "w.data.mul_(0.1 if mylib.small else 1)",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_has_no_gain(name: str) -> None:
    code = "import mylib; " + UNREADABLE[name]
    assert gain_of(read("nn.Conv2d(8, 8, 3)", code)) is None


def test_widths_that_are_not_known_do_not_matter_where_they_cancel() -> None:
    code = "import mylib; self.layer = nn.Conv2d(mylib.width, 8, 3)"
    assert gain_of(read("None", code)) == pytest.approx(1 / 3)
    he = "; nn.init.kaiming_normal_(self.layer.weight)"
    assert gain_of(read("None", code + he)) == pytest.approx(2)
    xavier = "; nn.init.xavier_normal_(self.layer.weight)"
    assert gain_of(read("None", code + xavier)) is None


def test_a_layer_that_resets_its_own_weights_is_not_known() -> None:
    code = """
    class Conv(nn.Conv2d):
        def reset_parameters(self):
            nn.init.zeros_(self.weight)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = Conv(8, 8, 3)

        def forward(self, x):
            return self.layer(x)

    model = Net()
    """
    layers = graph(rehearse(code)).layers
    assert gain_of(next(layer for layer in layers if layer.name == "layer")) is None


CHANNELS = {
    "centred": UNIT,
    "small": Moments(0.0, 0.0, 0.01),
    "shifted channels": Moments(0.0, 0.5, 2.0),
    "behind a ReLU": Moments(0.4, 0.1, 0.3),
    "constant channels": Moments(0.5, 1.0, 0.0),
}


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("name", [n for n in (*PIECEWISE, *SMOOTH) if n != "rrelu"])
def test_activations_make_of_moments_what_torch_does(name: str, channels: str) -> None:
    torch = pytest.importorskip("torch")
    given = CHANNELS[channels]
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(500, 1, generator=generator, dtype=torch.double)
    means = given.mean + (means - means.mean()) / means.std() * math.sqrt(given.spread)
    noise = torch.randn(500, 2000, generator=generator, dtype=torch.double)
    x = means + noise * math.sqrt(given.variance)
    functional = torch.nn.functional
    classes = {"leakyrelu": "leaky_relu", "prelu": "leaky_relu"}
    function = getattr(functional, classes.get(name, name))
    out = function(x, 0.25) if name == "prelu" else function(x)
    found = activated(given, name)
    assert found is not None
    assert found.squared_mean == pytest.approx(
        out.mean(1).square().mean().item(), rel=0.1, abs=1e-3
    )
    assert found.variance == pytest.approx(out.var(1).mean().item(), rel=0.1, abs=1e-3)
