"""Whose parameters a program hands to optimizers, by whatever way they come there."""

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward
from tests.rehearsing import rehearse

SCRIPT = """
import itertools

import torch
from torch import nn
from elsewhere import make_optimizer


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3, bias=False)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.norm(self.linear(x))


class Own(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})


one, two, other = Net(), Net(), Net()
BODY
for net in (one, two, other):
    net(torch.load("x.pt"))
"""

BOTH = {
    "lists are added": "o = torch.optim.SGD(list(one.parameters()) + list(two.parameters()), 0.1)",
    "unpacked": "o = torch.optim.SGD([*one.parameters(), *two.parameters()], 0.1)",
    "groups": "o = torch.optim.SGD([{'params': one.parameters()}, {'params': two.parameters()}], 0.1)",
    "a chain": "o = torch.optim.Adam(itertools.chain(one.parameters(), two.parameters()))",
    "a list grows in a loop": """p = []
for net in (one, two):
    p += list(net.parameters())
o = torch.optim.AdamW(params=p)""",
    "a list is extended": """p = list(one.parameters())
p.extend(two.parameters())
o = torch.optim.SGD(p, 0.1)""",
    "filters": """o = torch.optim.SGD(filter(lambda p: p.requires_grad, one.parameters()), 0.1)
q = torch.optim.SGD([p for p in two.parameters() if p.requires_grad], 0.1)""",
    "a group is added later": """o = torch.optim.SGD(one.parameters(), 0.1)
o.add_param_group({"params": two.parameters()})""",
    "classes and functions of others": """o = torch.optim.SGD(one.norm.parameters(), 0.1)
q = make_optimizer(list(two.parameters()))""",
    "a class of the project": """o = Own(one.parameters(), 0.1)
q = Own([{"params": [two.linear.weight, two.norm.weight]}], 0.1)""",
}


def optimized(body: str) -> dict[str, Known]:
    (run,) = (run for run in rehearse(SCRIPT.replace("BODY", body)).runs if run.main)
    return dict(
        zip(("one", "two", "other"), (f.model.optimized for f in run.of_type(Forward)), strict=True)
    )


@pytest.mark.parametrize("body", BOTH.values(), ids=BOTH.keys())
def test_two_networks_are_optimized_and_the_third_is_not(body: str) -> None:
    assert optimized(body) == {"one": Known.YES, "two": Known.YES, "other": Known.NO}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "o = torch.optim.SGD(torch.load('parameters.pt'), 0.1)",
        "o = torch.optim.SGD([torch.load('a.pt'), torch.load('b.pt')], 0.1)",
        "o = make_optimizer(torch.load('parameters.pt'))",
    ],
)
def test_what_is_not_known_may_be_any(body: str) -> None:
    assert set(optimized(body).values()) == {Known.UNKNOWN}


def test_a_part_of_what_is_optimized_is_optimized() -> None:
    body = "both = nn.Sequential(one, two)\no = torch.optim.SGD(both.parameters(), 0.1)"
    assert optimized(body) == {"one": Known.YES, "two": Known.YES, "other": Known.NO}
