"""Without eps a channel whose values are all alike becomes NaN, and today's torch refuses to train."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

CHECKS_EPS = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 13)


@pytest.mark.skipif(not CHECKS_EPS, reason="this torch does not check eps")
@pytest.mark.parametrize("eps", [0.0, -1e-5])
def test_training_is_refused(eps: float) -> None:
    with pytest.raises(ValueError, match="eps must be positive during training"):
        nn.BatchNorm1d(4, eps=eps)(torch.randn(8, 4))


def test_a_channel_without_variance_is_nan_at_evaluation() -> None:
    norm = nn.BatchNorm1d(4, eps=0.0).eval()
    assert norm.running_var is not None
    norm.running_var[2] = 0
    assert norm(torch.zeros(8, 4)).isnan().any(0).tolist() == [False, False, True, False]


def test_the_default_does_neither() -> None:
    norm = nn.BatchNorm1d(4)
    for _ in range(3000):
        norm(torch.zeros(8, 4))
    assert not norm(torch.zeros(8, 4)).isnan().any()
    assert not norm.eval()(torch.zeros(8, 4)).isnan().any()


def test_half_precision_knows_no_smaller_number() -> None:
    assert torch.tensor(2e-8).half() == 0
    assert torch.tensor(6e-8).half() > 0
