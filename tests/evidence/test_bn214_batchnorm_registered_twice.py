"""A BatchNorm under two names is in a state twice, and what works on states counts it twice."""

import copy

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

State = dict[str, Tensor]


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.body = nn.Sequential(nn.Linear(4, 4, bias=False), self.norm)


class Once(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4))


def clients(model: type[nn.Module]) -> list[nn.Module]:
    """Two of a kind whose running means are 1 and 3."""
    made = [model(), model()]
    for net, mean in zip(made, (1.0, 3.0), strict=True):
        net.state_dict()["body.1.running_mean"].fill_(mean)
    return made


def federated(states: list[State]) -> State:
    """The averaging that many repositories have, to the letter."""
    average = copy.deepcopy(states[0])
    for key in average:
        for state in states[1:]:
            average[key] += state[key]
        average[key] = torch.div(average[key], len(states))
    return average


@pytest.mark.parametrize(("model", "mean"), [(Twice, 3.5), (Once, 2.0)])
def test_federated_averaging(model: type[nn.Module], mean: float) -> None:
    first, second = clients(model)
    states = [dict(first.state_dict()), dict(second.state_dict())]
    first.load_state_dict(federated(states))
    assert first.state_dict()["body.1.running_mean"].tolist() == [mean] * 4


@pytest.mark.parametrize(("model", "mean"), [(Twice, 1.0 * 0.81 + 3.0 * 0.19), (Once, 1.2)])
def test_a_moving_average_of_states(model: type[nn.Module], mean: float) -> None:
    average, live = clients(model)
    for key, value in average.state_dict().items():
        if value.is_floating_point():
            value.mul_(0.9).add_(live.state_dict()[key], alpha=0.1)
    found = average.state_dict()["body.1.running_mean"]
    assert found.tolist() == pytest.approx([mean] * 4)


def test_the_conversion_to_syncbn_makes_two_of_it() -> None:
    net = nn.SyncBatchNorm.convert_sync_batchnorm(Twice())
    assert net.norm is not net.body[1]
    net.double()
    net.body[1].running_mean += 1
    assert net.state_dict()["norm.running_mean"].tolist() == [0.0] * 4


def test_a_checkpoint_does_not_fit_once_a_name_is_gone() -> None:
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "norm.weight"'):
        Once().load_state_dict(Twice().state_dict())


@pytest.mark.parametrize(("model", "times"), [(Twice, 2), (Once, 1)])
def test_functions_are_applied_to_each_name(model: type[nn.Module], times: int) -> None:
    seen: list[nn.Module] = []
    model().apply(seen.append)
    assert sum(isinstance(module, nn.BatchNorm1d) for module in seen) == times
