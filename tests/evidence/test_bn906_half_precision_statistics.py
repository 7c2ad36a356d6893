"""BN906: running statistics of 16 bits stop on their way, and overflow without an error."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def trained(dtype: torch.dtype, momentum: float, scale: float = 2.0) -> nn.BatchNorm1d:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(1, momentum=momentum).to(dtype)
    for _ in range(round(10 / momentum)):
        norm((torch.randn(256, 1) * scale + 3).to(dtype))
    return norm


@pytest.mark.parametrize("momentum", [0.1, 0.01])
def test_float32_arrives(momentum: float) -> None:
    norm = trained(torch.float32, momentum)
    assert norm.running_mean.item() == pytest.approx(3, abs=0.15)
    assert norm.running_var.item() == pytest.approx(4, abs=0.3)


def test_bfloat16_stops_before() -> None:
    norm = trained(torch.bfloat16, 0.01)
    assert norm.running_mean.item() < 2.5
    assert norm.running_var.item() < 3.7


def test_float16_overflows() -> None:
    norm = trained(torch.float16, 0.1, scale=400)
    assert norm.running_var.isinf().all()
    assert norm.eval()(torch.randn(4, 1).half()).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_layers_of_32_bits_take_inputs_of_16(dtype: torch.dtype) -> None:
    norm = nn.BatchNorm1d(1)
    assert norm(torch.randn(8, 1).to(dtype)).dtype is dtype
    assert norm.running_mean.dtype is torch.float32


def test_the_fix_keeps_the_parameters_that_an_optimizer_has() -> None:
    net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net.bfloat16()
    net.apply(lambda m: m.float() if isinstance(m, nn.BatchNorm1d) else m)
    before = net[1].weight.clone()
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.randn(8, 3, dtype=torch.bfloat16)).float().pow(4).mean().backward()
        optimizer.step()
    assert net[0].weight.dtype is torch.bfloat16
    assert net[1].running_var.dtype is net[1].weight.dtype is torch.float32
    assert not torch.equal(before, net[1].weight)
