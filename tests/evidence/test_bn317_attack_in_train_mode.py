"""BN317: the running statistics that an attack in train mode leaves behind are those of its examples."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

STEPS = 7


@pytest.mark.parametrize("training", [False, True])
def test_an_attack_in_train_mode_counts_its_own_examples(training: bool) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))
    inputs, labels = torch.randn(64, 20), torch.randint(3, (64,))
    net(inputs)
    before = net[1].running_mean.clone()
    net.train(training)
    moved = inputs
    for _ in range(STEPS):
        moved = moved.detach().requires_grad_()
        loss = nn.functional.cross_entropy(net(moved), labels)
        (slopes,) = torch.autograd.grad(loss, moved)
        moved = moved + 0.1 * slopes.sign()
    assert net[1].num_batches_tracked.item() == 1 + STEPS * training
    assert torch.equal(before, net[1].running_mean) is not training
