"""BN604: what two batches of their own statistics differ in by mean is gone behind BatchNorm."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional as F

SHIFT = 5.0


def means(*, together: bool) -> tuple[float, float]:
    """Of what BatchNorm makes of real samples around 5 and generated ones around -5."""
    torch.manual_seed(0)
    real, fake = torch.randn(256, 8) + SHIFT, torch.randn(256, 8) - SHIFT
    norm = nn.BatchNorm1d(8, affine=False)
    made = norm(torch.cat([real, fake])).chunk(2) if together else (norm(real), norm(fake))
    return made[0].mean().item(), made[1].mean().item()


def right(norm: nn.Module) -> float:
    """How many of the samples a discriminator tells apart in train mode, in separate batches."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 32), norm, nn.LeakyReLU(0.2), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    told = 0.0
    for step in range(400):
        scores = net(torch.randn(64, 8) + SHIFT), net(torch.randn(64, 8) - SHIFT)
        loss = F.softplus(-scores[0]).mean() + F.softplus(scores[1]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= 300:
            told += ((scores[0] > 0).float().mean() + (scores[1] < 0).float().mean()).item() / 200
    return told


def test_separate_batches_have_the_same_mean_and_a_common_one_tells_them_apart() -> None:
    assert means(together=False) == pytest.approx((0, 0), abs=1e-5)
    assert means(together=True) == pytest.approx((0.98, -0.98), abs=0.02)


def test_a_discriminator_with_batchnorm_does_not_see_the_difference() -> None:
    assert right(nn.BatchNorm1d(32)) == pytest.approx(0.5, abs=0.03)
    assert right(nn.LayerNorm(32)) > 0.99
