"""A residual network without normalization, for batches of a few images."""

import torch.nn.functional as F
from torch import nn


class PlainBlock(nn.Module):
    """Two 3x3 convolutions and an identity."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class PlainResNet(nn.Module):
    """A convolution, a stack of blocks at half resolution, a linear classifier."""

    def __init__(self, depth=12, width=32, num_classes=6):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*(PlainBlock(width) for _ in range(depth)))
        self.fc = nn.Linear(width, num_classes)

    def forward(self, x):
        x = F.relu(self.blocks(self.stem(x)))
        return self.fc(x.mean(dim=(2, 3)))


def plain26(**kwargs):
    """Twelve blocks."""
    return PlainResNet(depth=12, **kwargs)
