"""BN615: what arrives at one sample is not the slope of its own output alone."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

IMAGES = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def critic(norm: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 8, 3), norm, nn.Tanh())
    return nn.Sequential(body, nn.Flatten(), nn.Linear(8 * 16, 1))


def slope_of_the_first(net: nn.Module, outputs: slice) -> Tensor:
    images = IMAGES.clone().requires_grad_(True)
    (slopes,) = torch.autograd.grad(net(images)[outputs].sum(), images)
    return slopes[0]


def is_its_own(net: nn.Module) -> bool:
    """Whether the sum of all outputs has the slope of the first output at the first sample."""
    summed, own = slope_of_the_first(net, slice(None)), slope_of_the_first(net, slice(1))
    return torch.allclose(summed, own, atol=1e-6)


def test_batchnorm_mixes_the_slopes_in_train_mode_only() -> None:
    net = critic(nn.BatchNorm2d(8))
    assert not is_its_own(net)
    assert is_its_own(net.eval())


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(8, affine=True), nn.GroupNorm(2, 8)])
def test_norms_of_one_sample_do_not(norm: nn.Module) -> None:
    assert is_its_own(critic(norm))
