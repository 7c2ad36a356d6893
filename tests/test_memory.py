"""A process that lints for a long time (an editor's, a server's) keeps nothing of what it read."""

import gc
import tracemalloc

from bnlint.lint import engine

MODEL = """
import torch
from torch import nn
from torchvision import models


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, bias=True), nn.BatchNorm2d(width))
        self.blocks = nn.ModuleList([nn.BatchNorm2d(width, momentum=0.99) for _ in range(3)])
        self.backbone = models.resnet18(pretrained=True)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return x


net = Net()
loader = torch.utils.data.DataLoader(data, batch_size=1, shuffle=True)
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for x, y in loader:
    loss = (net(x) - y).sum()
    loss.backward()
    optimizer.step()
net.eval()
torch.save(net.state_dict(), f"net-{1:03d}.pt")
"""
ROUNDS = 15


def lint_often(number: int) -> None:
    for round_ in range(ROUNDS):
        assert engine.lint_text(f"{MODEL}# {number} {round_}\n", f"net{number}_{round_}.py")
    gc.collect()


def test_linting_again_and_again_keeps_nothing() -> None:
    for number in range(2):
        lint_often(number)
    objects = len(gc.get_objects())
    tracemalloc.start()
    try:
        lint_often(2)
        first = tracemalloc.get_traced_memory()[0]
        for number in (3, 4):
            lint_often(number)
        growth = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert len(gc.get_objects()) - objects < 20 * ROUNDS
    assert growth < 2 * ROUNDS * 2_000, growth
