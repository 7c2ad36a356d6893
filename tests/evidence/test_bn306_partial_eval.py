"""BN306: a network stays in its mode when another one that it works with is switched."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def networks() -> tuple[nn.Module, nn.Module]:
    """An encoder and a head that were trained on data of mean 0."""
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU())
    head = nn.Sequential(nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))
    for _ in range(20):
        head(encoder(torch.randn(64, 4)))
    return encoder, head


@pytest.mark.parametrize("both", [False, True])
def test_only_what_is_switched_keeps_its_statistics_and_its_answers(both: bool) -> None:
    encoder, head = networks()
    head.eval()
    if both:
        encoder.eval()
    before = [norm.running_mean.clone() for norm in (encoder[1], head[1])]
    batch = torch.randn(32, 4) + 2
    with torch.no_grad():
        together: Tensor = head(encoder(batch))[:2]
        alone: Tensor = head(encoder(batch[:2]))
    kept = [
        torch.equal(b, n.running_mean) for b, n in zip(before, (encoder[1], head[1]), strict=True)
    ]
    assert kept == [both, True]
    assert torch.allclose(together, alone, atol=1e-5) is both
