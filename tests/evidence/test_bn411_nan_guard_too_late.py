"""Running statistics do not forget a NaN, though the step of its batch is left out."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def trained(guarded: bool) -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for number in range(50):
        x = torch.randn(16, 4)
        if number == 3:
            x[0, 0] = float("nan")
        if guarded and not torch.isfinite(x).all():
            continue
        loss = net(x).square().mean()
        if torch.isnan(loss):
            continue
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def test_only_eval_mode_shows_it() -> None:
    net, x = trained(guarded=False), torch.randn(16, 4)
    assert net.train()(x).isfinite().all()
    assert net.eval()(x).isnan().all()


def test_a_test_of_the_inputs_comes_in_time() -> None:
    assert trained(guarded=True).eval()(torch.randn(16, 4)).isfinite().all()
