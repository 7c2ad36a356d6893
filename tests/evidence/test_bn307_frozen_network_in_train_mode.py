"""BN307: neither `no_grad` nor frozen parameters keep a teacher's statistics and answers."""

import copy

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def teacher() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))
    for _ in range(20):
        net(torch.randn(64, 4))
    return net


@pytest.mark.parametrize("kept", [False, True])
def test_only_eval_mode_keeps_a_teacher(kept: bool) -> None:
    net = teacher().requires_grad_(False)
    if kept:
        net.eval()
    before = copy.deepcopy(net.state_dict())
    batch = torch.randn(32, 4) + 2
    with torch.no_grad():
        targets, alone = net(batch)[:2], net(batch[:2])
    same = all(torch.equal(value, net.state_dict()[name]) for name, value in before.items())
    assert same is kept
    assert torch.allclose(targets, alone, atol=1e-5) is kept


def test_loading_and_copying_leave_the_mode_and_train_of_the_whole_sets_it() -> None:
    net = teacher()
    net.load_state_dict(teacher().state_dict())
    assert net.training
    assert copy.deepcopy(net).training
    whole = nn.ModuleDict({"teacher": net.eval()})
    whole.train()
    assert net.training
