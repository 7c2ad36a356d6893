"""Residual networks for 32x32 images."""

import torch.nn.functional as F
from torch import nn

from models.blocks import ConvUnit, Head, Stem, Transition, conv1x1, conv3x3

BN_MOMENTUM = 0.9


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels, momentum=BN_MOMENTUM)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels, momentum=BN_MOMENTUM)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                conv1x1(in_channels, out_channels, stride),
                nn.BatchNorm2d(out_channels, momentum=BN_MOMENTUM),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    """Stem, stages of residual blocks with transitions between them, a classifier."""

    def __init__(self, blocks=(2, 2), width=16, num_classes=6):
        super().__init__()
        self.stem = Stem(width)
        stages = []
        channels = width
        for i, depth in enumerate(blocks):
            stages.append(self._make_stage(channels, depth))
            if i < len(blocks) - 1:
                stages.append(Transition(channels, 2 * channels))
                channels *= 2
        self.stages = nn.Sequential(*stages)
        self.refine = nn.ModuleList([ConvUnit(channels, channels)] * 2)
        self.num_features = channels
        self.fc = nn.Linear(channels, num_classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def _make_stage(self, channels, depth):
        return nn.Sequential(*[BasicBlock(channels, channels) for _ in range(depth)])

    def features(self, x):
        """Pooled features, one vector per image."""
        x = self.stages(self.stem(x))
        for unit in self.refine:
            x = unit(x)
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    def forward(self, x):
        return self.fc(self.features(x))


class FineTuned(nn.Module):
    """A new classifier on the features of a trained network, whose weights stay as they are."""

    def __init__(self, backbone, num_classes):
        super().__init__()
        self.backbone = backbone
        for parameter in self.backbone.parameters():
            parameter.requires_grad = False
        self.head = Head(backbone.num_features, num_classes)

    def forward(self, x):
        return self.head(self.backbone.features(x))


def resnet14(**kwargs):
    """Two stages of two blocks."""
    return ResNet(blocks=(2, 2), **kwargs)


def resnet26(**kwargs):
    """Three stages of three blocks."""
    return ResNet(blocks=(3, 3, 3), **kwargs)
