"""How large running variances of small batches become, divided by n or by n - 1."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn


def batches(size: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return list(torch.randn(4000, size, 64))


@pytest.mark.parametrize("size", [2, 4, 16, 64])
def test_torch_normalises_by_one_and_stores_the_other(size: int) -> None:
    norm = nn.BatchNorm1d(64, momentum=None)
    for batch in batches(size):
        made = norm(batch)
    assert norm.running_var is not None
    assert float(norm.running_var.mean()) == pytest.approx(1.0, rel=0.02)
    assert float(made.detach().var(0, unbiased=False).mean()) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("size", [2, 4, 16, 64])
def test_divided_by_n_it_is_too_small(size: int) -> None:
    kept = torch.stack([batch.var(0, unbiased=False) for batch in batches(size)]).mean()
    assert float(kept) == pytest.approx((size - 1) / size, rel=0.02)
    squares = [((batch - batch.mean(0)) ** 2).mean(0) for batch in batches(size)]
    assert float(torch.stack(squares).mean()) == pytest.approx(float(kept), rel=1e-3)
