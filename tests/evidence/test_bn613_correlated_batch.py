"""BN613: behind BatchNorm a sample tells of the others of its batch, here which image they are of."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def regions(mean: float) -> Tensor:
    """Regions of an image: all around its mean, with little of their own."""
    return mean + 0.1 * torch.randn(64, 4, generator=torch.Generator().manual_seed(0))


def test_an_image_is_normalised_away_in_training_and_not_in_eval_mode() -> None:
    norm = nn.BatchNorm1d(4)
    for step in range(300):
        norm(regions(mean=float(step % 2) * 2 - 1))
    trained = norm(regions(1.0)).detach()
    assert float(trained.mean()) == pytest.approx(0, abs=1e-4)
    assert float(norm.eval()(regions(1.0)).detach().mean()) > 3


def test_one_region_depends_on_the_others_of_its_image() -> None:
    one = torch.zeros(1, 4)
    batches = [torch.cat([one, regions(mean)]) for mean in (1.0, -1.0)]
    first, second = (nn.BatchNorm1d(4)(batch)[0].detach() for batch in batches)
    assert float((first - second).abs().min()) > 5
    first, second = (nn.GroupNorm(1, 4)(batch)[0].detach() for batch in batches)
    assert torch.equal(first, second)
