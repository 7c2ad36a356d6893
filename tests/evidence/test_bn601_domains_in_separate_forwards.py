"""BN601: forwards of their own hide from training what eval mode shows the network."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def domains() -> list[Tensor]:
    """Batches of two domains, around 0 and around 10."""
    return [torch.randn(64, 1), torch.randn(64, 1) + 10]


def trained(*, together: bool) -> tuple[nn.BatchNorm1d, list[float]]:
    """The layer in eval mode, and the means of both domains in its last step of training."""
    torch.manual_seed(0)
    norm, means = nn.BatchNorm1d(1, momentum=0.1), [0.0, 0.0]
    for _ in range(200):
        batches = domains()
        if together:
            outputs = list(norm(torch.cat(batches)).chunk(2))
        else:
            outputs = [norm(batch) for batch in batches]
        means = [float(output.detach().mean()) for output in outputs]
    return norm.eval(), means


def evaluated(norm: nn.BatchNorm1d) -> list[float]:
    return [float(norm(batch).detach().mean()) for batch in domains()]


def test_separate_forwards_differ_between_the_modes() -> None:
    norm, means = trained(together=False)
    assert means == pytest.approx([0, 0], abs=1e-4)
    assert evaluated(norm)[0] < -4
    assert evaluated(norm)[1] > 4
    assert float(norm.running_mean) == pytest.approx(5.2, abs=0.2)  # type: ignore[arg-type]
    assert float(norm.running_var) == pytest.approx(1, abs=0.2)  # type: ignore[arg-type]


def test_one_forward_agrees() -> None:
    norm, means = trained(together=True)
    assert evaluated(norm) == pytest.approx(means, abs=0.1)
    assert float(norm.running_var) == pytest.approx(26, abs=1)  # type: ignore[arg-type]
