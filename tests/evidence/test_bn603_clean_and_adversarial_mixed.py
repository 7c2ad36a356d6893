"""BN603: running statistics of clean and adversarial examples together fit neither."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional as F

CLASSES, STEPS, SIZE = 4, 300, 3.0


class Net(nn.Module):
    """One layer, with BatchNorm for both kinds of examples or for each of them."""

    def __init__(self, *, shared: bool) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(20, 64, bias=False), nn.Linear(64, CLASSES)
        clean = nn.BatchNorm1d(64)
        self.norms = nn.ModuleList([clean, clean if shared else nn.BatchNorm1d(64)])

    def forward(self, x: torch.Tensor, kind: int = 0) -> torch.Tensor:
        return self.head(self.norms[kind](self.body(x)).relu())


def clean_samples(*, shared: bool) -> tuple[float, float]:
    """How normalised features of clean samples spread in eval mode, and how many are classified right."""
    torch.manual_seed(0)
    means = 1.2 * torch.randn(CLASSES, 20)
    net = Net(shared=shared)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)

    def batch(size: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.randint(CLASSES, (size,))
        return means[labels] + torch.randn(size, 20), labels

    for _ in range(STEPS):
        x, y = batch(256)
        attacked = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(net.eval()(attacked, 1), y), attacked)
        attacked = (x + SIZE * slope.sign()).detach()
        net.train()
        loss = F.cross_entropy(net(x), y) + F.cross_entropy(net(attacked, 1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, y = batch(4096)
    norm = net.eval().norms[0]
    with torch.no_grad():
        normalised = (norm(net.body(x)) - norm.bias) / norm.weight
        right = (net(x).argmax(1) == y).float().mean().item()
    return normalised.std(0).mean().item(), right


def test_a_mixture_fits_no_clean_sample() -> None:
    spread, right = clean_samples(shared=True)
    assert spread == pytest.approx(0.6, abs=0.1)
    assert right == pytest.approx(0.96, abs=0.02)


def test_layers_of_their_own_do() -> None:
    spread, right = clean_samples(shared=False)
    assert spread == pytest.approx(1, abs=0.03)
    assert right > 0.99
