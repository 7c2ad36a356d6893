"""BN616: torch.func raises where single samples run through BatchNorm in train mode."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, replace_all_batch_norm_modules_, vmap

IMAGES = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))


def network(norm: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Tanh(), nn.Flatten(), nn.Linear(64, 1))


def of_each(net: nn.Module) -> Tensor:
    """The gradients of the first weight for each sample."""
    weights = {name: weight.detach() for name, weight in net.named_parameters()}

    def loss(weights: dict[str, Tensor], image: Tensor) -> Tensor:
        output: Tensor = functional_call(net, weights, (image.unsqueeze(0),))
        return output.square().mean()

    gradients: dict[str, Tensor] = vmap(grad(loss), in_dims=(None, 0))(weights, IMAGES)
    return gradients["0.weight"]


def test_running_statistics_of_all_samples_cannot_be_updated() -> None:
    with pytest.raises(RuntimeError, match="in-place operation"):
        of_each(network(nn.BatchNorm2d(4)))


def test_vectors_have_one_value() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(108, 4), nn.BatchNorm1d(4))
    with pytest.raises(ValueError, match="more than 1 value"):
        vmap(lambda image: net(image.unsqueeze(0)))(IMAGES)


def test_without_them_and_in_eval_mode_it_works() -> None:
    replaced = network(nn.BatchNorm2d(4))
    replace_all_batch_norm_modules_(replaced)
    for net in (replaced, network(nn.BatchNorm2d(4)).eval(), network(nn.GroupNorm(2, 4))):
        assert of_each(net).shape == (4, 4, 3, 3, 3)


def test_ensembles_have_statistics_each() -> None:
    nets = [network(nn.BatchNorm2d(4)) for _ in range(2)]
    weights, buffers = torch.func.stack_module_state(nets)

    def outputs(weights: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
        output: Tensor = functional_call(nets[0], (weights, buffers), (IMAGES,))
        return output

    assert vmap(outputs)(weights, buffers).shape == (2, 4, 1)
