"""Building blocks shared by the networks."""

import torch.nn.functional as F
from torch import nn


def conv3x3(in_channels, out_channels, stride=1):
    """3x3 convolution with padding."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)


def conv1x1(in_channels, out_channels, stride=1):
    """1x1 convolution."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)


class ConvUnit(nn.Module):
    """Convolution, normalization and activation."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.99),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.body(x)


class Stem(nn.Module):
    """Three small convolutions in place of one large one."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = F.relu(self.bn(self.conv1(x)))
        x = F.relu(self.bn(self.conv2(x)))
        return F.relu(self.bn(self.conv3(x)))


class Transition(nn.Module):
    """Halves the resolution between two stages."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.reduce = conv1x1(in_channels, out_channels)
        self.norm = nn.BatchNorm2d(out_channels, 0.8)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x):
        return self.pool(F.relu(self.norm(self.reduce(x))))


class Head(nn.Module):
    """Two-layer classifier on pooled features."""

    def __init__(self, features, classes, hidden=64, dropout=0.2):
        super().__init__()
        self.input_norm = nn.BatchNorm1d(features)
        self.hidden = nn.Linear(features, hidden, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.BatchNorm1d(hidden)
        self.norm.momentum = 0.997
        self.output = nn.Linear(hidden, classes)

    def forward(self, x):
        x = self.dropout(self.hidden(x))
        return self.output(F.relu(self.norm(x)))
