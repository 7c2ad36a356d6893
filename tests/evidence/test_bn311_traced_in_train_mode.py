"""BN311, BN312: a recorded train mode stays, whatever is said later."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

INPUTS = torch.randn(4, 3) + 2


def network() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5, bias=False), nn.BatchNorm1d(5))
    net(torch.randn(64, 3))
    return net


def alone_and_in_a_batch(program: nn.Module) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return program(INPUTS[:2])[0], program(INPUTS)[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("training", [True, False])
def test_a_trace_keeps_the_mode(training: bool) -> None:
    traced = torch.jit.trace(network().train(training), INPUTS, check_trace=False)
    traced.eval()
    before = traced.state_dict()["1.running_mean"].clone()
    alone, together = alone_and_in_a_batch(traced)
    assert torch.allclose(alone, together) is not training
    assert torch.equal(before, traced.state_dict()["1.running_mean"]) is not training


@pytest.mark.parametrize("training", [True, False])
def test_an_exported_program_keeps_the_mode(training: bool) -> None:
    net = network().train(training)
    batch = {0: torch.export.Dim("batch", min=2)}
    program = torch.export.export(net, (INPUTS,), dynamic_shapes=(batch,)).module()
    with pytest.raises(NotImplementedError):
        program.eval()
    alone, together = alone_and_in_a_batch(program)
    assert torch.allclose(alone, together, atol=1e-5) is not training
