"""Models whose forward answers otherwise in train mode are never switched as a whole."""

import pytest

from tests import fixing

SCRIPT = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

train_set = TensorDataset(torch.randn(64, 4), torch.randint(3, (64,)))
val_set = TensorDataset(torch.randn(64, 4), torch.randint(3, (64,)))
train_loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=True)
val_loader = DataLoader(val_set, batch_size=32)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))

    def outputs(self, z, y):
        if self.training:
            return F.cross_entropy(z, y)
        return z

    def forward(self, x, y=None):
        z = self.body(x)
        FORWARD


class Inherited(Net):
    def forward(self, x, y=None):
        return super().forward(x, y)


net = Inherited()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for epoch in range(2):
    for x, y in train_loader:
        optimizer.zero_grad()
        sum(net(x, y)).mean().backward()
        optimizer.step()
    total = 0
    with torch.no_grad():
        for x, y in val_loader:
            total += net(x, y)[0].mean().item()
    print(total)
"""


def rules_and_fixes(forward: str) -> set[tuple[str, bool]]:
    code = SCRIPT.replace("FORWARD", forward.replace("\n", "\n        "))
    findings = fixing.lint(code)
    return {(f.rule, f.fix is not None) for f in findings if f.rule == "BN301"}


@pytest.mark.parametrize(
    "forward",
    [
        "training = self.training\nif training and y is not None:\n    return z, y\nreturn z",
        "return self.outputs(z, y)",
        "loss = None\nif self.training:\n    loss = F.cross_entropy(z, y)\nreturn z, loss",
        "loss = F.cross_entropy(z, y) if self.training else None\nreturn z, loss",
        "outputs = (z,)\nif self.training:\n    outputs += (F.cross_entropy(z, y),)\nreturn outputs",
        "return (lambda: z, lambda: F.cross_entropy(z, y))[self.training]()",
    ],
)
def test_no_eval_where_forward_answers_by_mode(forward: str) -> None:
    assert rules_and_fixes(forward) == {("BN301", False)}


@pytest.mark.parametrize(
    "forward",
    [
        "if self.training:\n    z = z + 0.01 * torch.randn_like(z)\nreturn z",
        "noise = torch.randn_like(z) if self.training else 0\nreturn z + noise",
        "z = F.dropout(z, 0.2, self.training)\nif len(z) > 32:\n    return z[:32]\nreturn z",
    ],
)
def test_eval_where_only_the_values_differ(forward: str) -> None:
    assert rules_and_fixes(forward) == {("BN301", True)}
