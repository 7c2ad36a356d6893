"""Loops over the modules of a model that is one of several, which need not have as many of them."""

import pytest

from bnlint.facts.types.run import Forward, is_training
from tests.rehearsing import rehearse

MODELS = """
import sys

big = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8))
small = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
net = big if sys.argv[1:] else small
net.train()
"""
FREEZES = {
    "modules": "for m in net.modules():\n    if isinstance(m, nn.BatchNorm2d):\n        m.eval()\n",
    "named modules": "for name, m in net.named_modules():\n    if isinstance(m, nn.BatchNorm2d):\n        m.eval()\n",
    "children": "for m in net.children():\n    if isinstance(m, nn.BatchNorm2d):\n        m.eval()\n",
    "one layer": "for m in net.modules():\n    if isinstance(m, nn.BatchNorm2d):\n        m.eval()\n        break\n",
    "a function": """
def freeze(model):
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eval()

freeze(net)
""",
}


def modes_of(freeze: str) -> dict[str, list[str]]:
    """For each model the modes of its BatchNorm layers in the forward that follows."""
    rehearsal = rehearse(MODELS + FREEZES[freeze] + "net(torch.randn(4, 3, 8, 8))\n")
    forwards = [
        event for run in rehearsal.runs for event in run.events if isinstance(event, Forward)
    ]
    return {
        f"{len(forward.norms)} norms": [is_training(norm.mode).name for norm in forward.norms]
        for forward in forwards
    }


@pytest.mark.parametrize("freeze", ["modules", "named modules", "children", "a function"])
def test_each_model_has_the_modes_of_its_own_loop(freeze: str) -> None:
    assert modes_of(freeze) == {"2 norms": ["NO", "NO"], "1 norms": ["NO"]}


def test_a_break_ends_the_loop_of_one_model() -> None:
    assert modes_of("one layer") == {"2 norms": ["NO", "YES"], "1 norms": ["NO"]}


def test_a_return_ends_the_function_on_each_path() -> None:
    code = """
def frozen(model):
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            return m.in_channels == 4
    return True

if frozen(net):
    net.eval()
net(torch.randn(4, 3, 8, 8))
"""
    (run, *_) = rehearse(MODELS + code).runs
    modes = {
        is_training(norm.mode).name
        for event in run.events
        if isinstance(event, Forward)
        for norm in event.norms
    }
    assert modes == {"YES"}
