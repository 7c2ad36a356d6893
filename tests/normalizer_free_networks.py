"""A normalizer-free residual network in the code of a user, right or with one thing wrong in it.

What rules say of it by reading and by tracing is compared with the signal that is measured.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bnlint
from bnlint import registry
from bnlint.facts.types.signal import Signal
from bnlint.lint import engine
from bnlint.tracer.building.observed import watched
from tests.rehearsing import HEAD

SIZE = (8, 3, 16, 16)
RULES = ("BN801", "BN802", "BN803", "BN804", "BN805", "BN806")
CODE = '''
class ScaledConv(nn.Conv2d):
    """Scaled weight standardization."""

    def __init__(self, *args, gamma={gamma}, **kwargs):
        super().__init__(*args, **kwargs)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))
        self.scale = gamma / self.weight[0].numel() ** 0.5

    def forward(self, x):
        std, mean = torch.std_mean(self.weight, dim=(1, 2, 3), keepdim=True, unbiased=False)
        weight = self.gain * self.scale * (self.weight - mean) / (std + 1e-5)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class SqueezeExcite(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Conv2d(width, width // 4, 1)
        self.fc2 = nn.Conv2d(width // 4, width, 1)

    def forward(self, x):
        gate = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1, alpha={alpha}, beta=1.0):
        super().__init__()
        self.alpha, self.beta = alpha, beta
        self.conv1 = ScaledConv(inputs, outputs, 1)
        self.conv2 = ScaledConv(outputs, outputs, 3, stride=stride, padding=1)
        self.conv3 = ScaledConv(outputs, outputs, 1)
        self.shortcut = ScaledConv(inputs, outputs, 1, stride=stride) if inputs != outputs else None
        self.attend = {attend}

    def forward(self, x):
        out = F.relu(x) / self.beta
        shortcut = x if self.shortcut is None else self.shortcut({shortcut})
        out = self.conv3(F.relu(self.conv2(F.relu(self.conv1(out)))))
        out = {attended}
        return shortcut + self.alpha * out


class Net(nn.Module):
    def __init__(self, depths=(4, 4, 4), alpha={alpha}):
        super().__init__()
        self.stem = ScaledConv(3, 32, 3, padding=1, gamma=1.0)
        blocks, inputs, variance = [], 32, 1.0
        for stage, depth in enumerate(depths):
            for index in range(depth):
                starts = stage > 0 and index == 0
                outputs = 2 * inputs if starts else inputs
                beta = {beta}
                blocks.append(Block(inputs, outputs, 2 if starts else 1, alpha, beta))
                inputs = outputs
                variance = (1.0 if starts and {reset} else variance) + alpha**2
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(self.stem(x))
'''


@dataclass(frozen=True)
class Network:
    """What is put into the code: the right thing, unless it is given."""

    gamma: str = "1.7128585504496627"
    alpha: str = "1.0"
    beta: str = "variance**0.5"
    reset: str = "True"
    shortcut: str = "out"
    attend: str = "None"
    attended: str = "out"

    @property
    def code(self) -> str:
        """The code of the network, behind the usual imports."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return CODE.format(**fields)


def read(network: Network) -> list[str]:
    """The rules that have something to say of the code."""
    rules = [registry.rules()[rule] for rule in RULES]
    return [
        f.rule for f in engine.lint_text(HEAD + network.code + "\nmodel = Net()\n", rules=rules)
    ]


def traced(network: Network, folder: Path) -> list[str]:
    """Those that have something to say of the model, traced."""
    with watched():
        model = _built(network, folder)()
    return [f.rule for f in bnlint.check_model(model, input_size=SIZE, select=list(RULES))]


def measured(network: Network, folder: Path) -> Signal:
    """The signal through the model."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    return bnlint.signal_propagation(_built(network, folder)(), input_size=SIZE)


def _built(network: Network, folder: Path) -> Any:
    file = folder / "example.py"
    file.write_text(HEAD + network.code, encoding="utf-8")
    names: dict[str, Any] = {"__name__": "example", "__file__": str(file)}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    return names["Net"]
