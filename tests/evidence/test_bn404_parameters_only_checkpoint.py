"""BN404: parameters without running statistics are another network in eval mode."""

import io

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)
    )


def data() -> tuple[Tensor, Tensor]:
    """Samples of two classes, far from zero."""
    labels = torch.arange(256) % 2
    return torch.randn(256, 8) + 5 + labels[:, None], labels


def trained() -> nn.Sequential:
    torch.manual_seed(0)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(100):
        inputs, labels = data()
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    return net


def accuracy(net: nn.Module) -> float:
    inputs, labels = data()
    return (net.eval()(inputs).argmax(1) == labels).float().mean().item()


def saved_and_loaded(state: object) -> object:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


def test_only_a_strict_load_complains() -> None:
    net, other = trained(), network()
    state = saved_and_loaded({name: p.detach() for name, p in net.named_parameters()})
    with pytest.raises(RuntimeError, match="running_mean"):
        other.load_state_dict(state)  # type: ignore[arg-type]
    other.load_state_dict(state, strict=False)  # type: ignore[arg-type]
    assert accuracy(net) > 0.9
    assert accuracy(other) < 0.7


def test_a_vector_of_parameters_has_no_statistics() -> None:
    net, other = trained(), network()
    vector_to_parameters(parameters_to_vector(net.parameters()), other.parameters())
    assert accuracy(other) < 0.7


def test_the_whole_state_is_the_network() -> None:
    net, other = trained(), network()
    other.load_state_dict(saved_and_loaded(net.state_dict()))  # type: ignore[arg-type]
    assert accuracy(other) > 0.9
