"""A multiplied list has one module, whose statistics are those of all its places."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def trained(norms: list[nn.BatchNorm1d]) -> list[float]:
    """The running means of two places that get values around 0 and around 10."""
    torch.manual_seed(0)
    for _ in range(200):
        for norm, mean in zip(norms, (0.0, 10.0), strict=True):
            norm(torch.randn(64, 1) + mean)
    return [float(norm.running_mean) for norm in norms if norm.running_mean is not None]


def test_multiplied_they_are_one_that_fits_no_place() -> None:
    norms = [nn.BatchNorm1d(1)] * 2
    first, second = trained(norms)
    assert first == second == pytest.approx(5.2, abs=0.2)
    listed = nn.ModuleList(norms)
    assert len(list(listed.parameters())) == 2
    assert len(listed.state_dict()) == 10


def test_a_comprehension_builds_one_for_each() -> None:
    norms = [nn.BatchNorm1d(1) for _ in range(2)]
    assert trained(norms) == pytest.approx([0.0, 10.0], abs=0.2)
    assert len(list(nn.ModuleList(norms).parameters())) == 4
