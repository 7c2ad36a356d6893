"""Tools that count a model's operations, and the mode that they leave it in."""

import pytest

from tests.fixing import lint

PROGRAM = """
import torch
from torch import nn
from torch.utils.data import DataLoader
{imported}

net = nn.Sequential(nn.Linear(20, 32, bias=False), nn.BatchNorm1d(32), nn.Linear(32, 3))
{before}
{counted}
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for epoch in range(3):
    for x, y in DataLoader(data, 64, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    {after}
    with torch.no_grad():
        for x, y in DataLoader(held_out, 64):
            print((net(x).argmax(1) == y).float().mean())
"""
GIVING_BACK = {
    "from thop import profile": "flops, parameters = profile(net, inputs=(x,))",
    "import thop": "thop.profile(net, (x,), verbose=False)",
    "from torchinfo import summary": "summary(net, input_size=(1, 20))",
}
LEAVING_EVAL = {
    "from ptflops import get_model_complexity_info": "get_model_complexity_info(net, (20,))",
    "from torchstat import stat": "stat(net, (20,))",
    "from calflops import calculate_flops": "calculate_flops(model=net, input_shape=(1, 20))",
}


def rules(imported: str, counted: str, before: str = "", after: str = "pass") -> list[str]:
    code = PROGRAM.format(imported=imported, before=before, counted=counted, after=after)
    return [finding.rule for finding in lint(code)]


@pytest.mark.parametrize(("imported", "counted"), GIVING_BACK.items())
def test_the_mode_is_given_back(imported: str, counted: str) -> None:
    assert rules(imported, counted) == ["BN301"]
    assert rules(imported, counted, after="net.eval()") == ["BN303"]
    assert "BN303" not in rules(imported, counted, before="net.eval()")


@pytest.mark.parametrize(("imported", "counted"), GIVING_BACK.items())
def test_layers_get_the_mode_of_the_whole(imported: str, counted: str) -> None:
    assert rules(imported, counted, before="net[1].eval()") == ["BN702", "BN301"]


def test_layers_that_are_only_listed_keep_their_modes() -> None:
    assert "BN702" not in rules("import torchinfo", "torchinfo.summary(net)", "net[1].eval()")


@pytest.mark.parametrize(("imported", "counted"), LEAVING_EVAL.items())
def test_the_model_stays_in_eval_mode(imported: str, counted: str) -> None:
    assert "BN301" not in rules(imported, counted)
    assert rules(imported, counted, after="net.train()")[0] == "BN301"


@pytest.mark.parametrize(("imported", "counted"), (GIVING_BACK | LEAVING_EVAL).items())
def test_one_of_two_models_may_be_in_any_mode(imported: str, counted: str) -> None:
    other = "net = nn.Sequential(net, nn.Linear(3, 3)) if wide else net"
    assert rules(imported, counted, before=f"{other}\nif wide:\n    net.eval()") == []
