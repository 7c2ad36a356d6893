"""What BN801 says by reading and by tracing, and what is measured, of the same networks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import bnlint  # noqa: E402
from bnlint import registry  # noqa: E402
from bnlint.facts.passes.initial_signal.residual_growth import residual_growth  # noqa: E402
from bnlint.facts.wording.signal_verdict import SignalPattern, verdict  # noqa: E402
from bnlint.lint import engine  # noqa: E402
from bnlint.tracer.building.observed import watched  # noqa: E402
from tests.rehearsing import HEAD, graph, rehearse  # noqa: E402

SIZE = (4, 3, 16, 16)
BLOCK = """
class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(c, c, 3, padding=1) for _ in range(2))
        for conv in (self.conv1, self.conv2):
            {init}
        {more}

    def forward(self, x):
        {forward}


class Net(nn.Module):
    def __init__(self, depth={depth}):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.blocks = nn.Sequential(*[Block(32) for _ in range(depth)])

    def forward(self, x):
        return self.blocks(self.stem(x))
"""
HE = "nn.init.kaiming_normal_(conv.weight)"
SUM = "return x + self.conv2(self.conv1(x).relu())"
NF = '''
class StandardConv(nn.Conv2d):
    """Scaled weight standardization."""

    def __init__(self, *args, gain=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.gain = gain

    def forward(self, x):
        w = self.weight
        std, mean = torch.std_mean(w, dim=(1, 2, 3), keepdim=True, unbiased=False)
        w = self.gain * (w - mean) / (std * w[0].numel() ** 0.5)
        return F.conv2d(x, w, self.bias, self.stride, self.padding)


class Block(nn.Module):
    def __init__(self, inputs, outputs, beta, stride):
        super().__init__()
        self.conv1 = StandardConv(inputs, outputs, 3, stride, 1, gain={gain})
        self.conv2 = StandardConv(outputs, outputs, 3, 1, 1, gain={gain})
        self.skip = None
        if stride > 1:
            self.skip = nn.Sequential(nn.AvgPool2d(2), StandardConv(inputs, outputs, 1, gain={gain}))
        self.beta = beta

    def forward(self, x):
        out = x.relu() / self.beta
        skip = x if self.skip is None else self.skip(out)
        return skip + {alpha} * self.conv2(self.conv1(out).relu())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = StandardConv(3, 32, 3, padding=1)
        blocks, variance, width = [], 1.0, 32
        for stage in range(3):
            for index in range(3):
                starts = stage > 0 and index == 0
                outputs = 2 * width if starts else width
                blocks.append(Block(width, outputs, variance**0.5, 2 if starts else 1))
                width = outputs
                variance = (1.0 if starts else variance) + {alpha} ** 2
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(self.stem(x))
'''
FUSION = """
class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(c, c, 3, padding=1) for _ in range(3))

    def forward(self, x):
        {forward}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.blocks = nn.Sequential(*[Block(32) for _ in range(10)])
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight)

    def forward(self, x):
        return self.blocks(self.stem(x))
"""


def blocks(init: str = HE, forward: str = SUM, more: str = "pass", depth: int = 16) -> str:
    return BLOCK.format(init=init, forward=forward, more=more, depth=depth)


@dataclass(frozen=True, slots=True)
class Case:
    """A network, the severity of BN801 (``None`` if it is silent), and the pattern of its signal."""

    code: str
    severity: str | None
    pattern: SignalPattern


GAIN = "self.gain = nn.Parameter(torch.{}(1))"
SCALED = "return x + self.gain * self.conv2(self.conv1(x).relu())"
NORM = "self.norm = nn.BatchNorm2d(c)"
CASES = {
    "default initialisation": Case(blocks("pass"), None, SignalPattern.HEALTHY),
    "He": Case(blocks(), "warning", SignalPattern.EXPLODES),
    "He, behind an activation": Case(
        blocks(forward="return (x + self.conv2(self.conv1(x).relu())).relu()"),
        "warning",
        SignalPattern.EXPLODES,
    ),
    "He, in front of one": Case(
        blocks(forward="return x + self.conv2(self.conv1(x.relu()).relu())"),
        "warning",
        SignalPattern.EXPLODES,
    ),
    "He, few blocks": Case(blocks(depth=6), "advice", SignalPattern.MEAN_SHIFT),
    "He, very few blocks": Case(blocks(depth=4), None, SignalPattern.MEAN_SHIFT),
    "Xavier": Case(
        blocks("nn.init.xavier_uniform_(conv.weight)", depth=24), "warning", SignalPattern.EXPLODES
    ),
    "orthogonal": Case(
        blocks("nn.init.orthogonal_(conv.weight, 2**0.5)"), "warning", SignalPattern.EXPLODES
    ),
    "normal": Case(
        blocks("conv.weight.data.normal_(0, math.sqrt(2 / (9 * 32)))"),
        "warning",
        SignalPattern.EXPLODES,
    ),
    "small": Case(blocks(HE + "; conv.weight.data *= 0.1"), None, SignalPattern.STARVED),
    "tiny": Case(blocks("nn.init.normal_(conv.weight, std=1e-3)"), None, SignalPattern.STARVED),
    "last weights of zero": Case(
        blocks(more="nn.init.zeros_(self.conv2.weight); nn.init.zeros_(self.conv2.bias)"),
        None,
        SignalPattern.IDENTITY,
    ),
    "SkipInit": Case(
        blocks(forward=SCALED, more=GAIN.format("zeros")), None, SignalPattern.IDENTITY
    ),
    "a learnt factor of one": Case(
        blocks(forward=SCALED, more=GAIN.format("ones")), "warning", SignalPattern.EXPLODES
    ),
    "Fixup": Case(
        blocks(
            "nn.init.normal_(conv.weight, std=math.sqrt(2 / (9 * 32) / 16))",
            "return x + self.gain * self.conv2(self.conv1(x + self.bias).relu())",
            "nn.init.zeros_(self.conv2.weight); self.bias = nn.Parameter(torch.zeros(1)); "
            + GAIN.format("ones"),
        ),
        None,
        SignalPattern.IDENTITY,
    ),
    "a small constant": Case(
        blocks(forward="return x + 0.1 * self.conv2(self.conv1(x).relu())"),
        None,
        SignalPattern.HEALTHY,
    ),
    "half of each": Case(
        blocks(forward="return 0.5**0.5 * (x + 0.5**0.5 * self.conv2(self.conv1(x).relu()))"),
        None,
        SignalPattern.MEAN_SHIFT,
    ),
    "BatchNorm, then the sum": Case(
        blocks(forward="return x + self.norm(self.conv2(self.conv1(x).relu()))", more=NORM),
        None,
        SignalPattern.HEALTHY,
    ),
    "BatchNorm in front": Case(
        blocks(forward="return x + self.conv2(self.conv1(self.norm(x).relu()).relu())", more=NORM),
        None,
        SignalPattern.HEALTHY,
    ),
    "BatchNorm, the sum, ReLU": Case(
        blocks(
            forward="return (x + self.norm(self.conv2(self.conv1(x).relu()))).relu()", more=NORM
        ),
        None,
        SignalPattern.HEALTHY,
    ),
    "normalizer-free": Case(NF.format(gain=1.7128585, alpha=0.2), None, SignalPattern.HEALTHY),
    "normalizer-free, strong branches": Case(
        NF.format(gain=1.7128585, alpha=0.5), None, SignalPattern.HEALTHY
    ),
    "normalizer-free, no gain": Case(NF.format(gain=1.0, alpha=1.0), None, SignalPattern.DRIFTS),
    "a sum of attention": Case(
        FUSION.format(
            forward="h = self.a(x).relu(); return x * torch.sigmoid(h) * 2 + self.b(self.c(h))"
        ),
        None,
        SignalPattern.NOTHING,
    ),
    "a sum of two paths": Case(
        FUSION.format(forward="return self.b(self.a(x).relu()) + self.c(x)"),
        None,
        SignalPattern.NOTHING,
    ),
    "an average of two paths": Case(
        FUSION.format(forward="return (self.a(x).relu() + self.c(x).relu()) / 2"),
        None,
        SignalPattern.NOTHING,
    ),
}

UNHEARD = {"orthogonal"}
"""Initialised by functions that do nothing without data; tracing knows them from reading."""


def built(code: str, folder: Path) -> Any:
    file = folder / "example.py"
    file.write_text("import math\n" + HEAD + code, encoding="utf-8")
    names: dict[str, Any] = {"__name__": "example", "__file__": str(file)}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    return names["Net"]


def severities(findings: Any) -> list[str]:
    return [f.severity.label for f in findings if f.rule == "BN801"]


@pytest.mark.parametrize("name", CASES)
def test_reading_tracing_and_measuring_agree(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    expected = [] if case.severity is None else [case.severity]
    rule = registry.rules()["BN801"]
    read = engine.lint_text("import math\n" + HEAD + case.code + "\nmodel = Net()\n", rules=[rule])
    assert severities(read) == expected
    net = built(case.code, tmp_path)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with watched(meta=False):
        real = net()
    with watched():
        bare = net()
    for model in (real,) if name in UNHEARD else (real, bare):
        assert severities(bnlint.check_model(model, input_size=SIZE, select=["BN801"])) == expected
    judged = verdict(bnlint.signal_propagation(real, input_size=SIZE))
    assert judged.pattern is case.pattern, judged
    assert (case.severity == "warning") == (case.pattern is SignalPattern.EXPLODES)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.severity])
def test_the_growth_that_is_claimed_is_the_growth_that_is_measured(
    name: str, tmp_path: Path
) -> None:
    code = CASES[name].code
    claimed = residual_growth(graph(rehearse("import math\n" + code + "\nmodel = Net()\n")))
    assert claimed is not None
    torch.set_num_threads(1)
    torch.manual_seed(0)
    blocks = bnlint.signal_propagation(built(code, tmp_path)(), input_size=SIZE).blocks
    assert len(claimed.residuals) == len(blocks)
    measured = (blocks[-1].variance / blocks[0].variance) ** (1 / (len(blocks) - 1))
    assert claimed.growth.factor == pytest.approx(measured, rel=0.2)
