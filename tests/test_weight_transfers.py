"""Networks that follow another one by averages or copies of its weights, in all spellings."""

from textwrap import indent

import pytest

from bnlint.lint import engine

SCRIPT = """\
import copy
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10
class Online(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8))
        self.head = nn.Linear(8, 8)
        self.target = copy.deepcopy(self.backbone)
        for p in self.target.parameters():
            p.requires_grad = False
    def forward(self, x):
        return self.head(self.backbone(x)), self.target(x)

def update(s, t, m):
{body}


model = Online()
loader = DataLoader(CIFAR10("."), batch_size=64, shuffle=True, drop_last=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(10):
    for x, _ in loader:
        update(model.backbone, model.target, 0.99)
        a, b = model(x)
        loss = (a - b).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
TRANSFERS = [
    """\
a, b = list(s.parameters()), list(t.parameters())
torch._foreach_lerp_(b, a, 1 - m)
""",
    "torch._foreach_mul_([p.data for p in t.parameters()], m)",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.data = torch.lerp(b.data, a.data, 1 - m)
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.data.lerp_(a.data, 1 - m)
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    torch.lerp(b, a, 1 - m, out=b)
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.copy_(m * b + (1 - m) * a)
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.data.copy_(b.data * m + a.data * (1 - m))
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.data.mul_(m).add_(a.data, alpha=1 - m)
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.detach().mul_(m).add_((1 - m) * a.detach())
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.data = b.data * m + a.data * (1 - m)
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.data *= m
    b.data += (1 - m) * a.data
""",
    """\
with torch.no_grad():
    for a, b in zip(s.parameters(), t.parameters()):
        b *= m
        b += (1 - m) * a
""",
    """\
from optim_util import swap
swap(s.parameters(), t.parameters())
""",
    """\
a, b = s.state_dict(), t.state_dict()
for k in b:
    b[k].mul_(m).add_(a[k], alpha=1 - m)
""",
    """\
a = s.state_dict()
for k, v in t.state_dict().items():
    if v.dtype.is_floating_point:
        v *= m
        v += (1 - m) * a[k].detach()
""",
    "t.load_state_dict(s.state_dict())",
    """\
a = s.state_dict()
t.load_state_dict({k: m * v + (1 - m) * a[k] for k, v in t.state_dict().items()})
""",
    """\
a = t.state_dict()
for k, v in s.state_dict().items():
    a[k] = m * a[k] + (1 - m) * v
t.load_state_dict(a)
""",
    """\
for v, w in zip(t.state_dict().values(), s.state_dict().values()):
    v.copy_(v * m + w * (1 - m))
""",
    """\
a = dict(s.named_parameters())
for n, p in t.named_parameters():
    p.data.mul_(m).add_(a[n].data, alpha=1 - m)
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.data[:] = m * b.data + (1 - m) * a.data
""",
    """\
v = nn.utils.parameters_to_vector(s.parameters())
nn.utils.vector_to_parameters(v, t.parameters())
""",
    """\
for a, b in zip(s.parameters(), t.parameters()):
    b.set_(a)
""",
]


def found(body: str) -> list[str]:
    findings = engine.lint_text(SCRIPT.format(body=indent(body, "    ")))
    return [finding.rule for finding in findings if finding.rule == "BN701"]


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_network_that_follows_another_is_frozen_for_the_optimizer_only(transfer: str) -> None:
    assert found(transfer) == []


def test_a_network_that_nothing_writes_is_frozen() -> None:
    assert found("pass") == ["BN701"]


@pytest.mark.parametrize(
    "source", ['torch.load("a.pth")', 'torch.hub.load_state_dict_from_url("https://a.b/c.pth")']
)
def test_what_a_file_holds_is_followed_by_nothing(source: str) -> None:
    copied = f"saved = {source}\nfor name, p in t.named_parameters():\n    p.copy_(saved[name])"
    assert found(copied) == ["BN701"]
