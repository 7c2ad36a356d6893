"""Means and variances of the channels of a tensor."""

import math

import torch
from torch import Tensor

from bnlint.immutable import immutable


@immutable
class ChannelMoments:
    """Squared mean and (biased) variance of each channel, averaged over the channels.

    ``samples`` is the number of values that each channel has.
    """

    squared_mean: float
    variance: float
    channels: int
    samples: int


def moments(tensor: Tensor, dimension: int) -> ChannelMoments:
    """The moments of the channels that stand in a dimension, computed in double precision.

    Both are infinite where a value is, and not a number where a value is none, so that an overflow
    of the model's own numbers shows, and only that.
    """
    values = tensor.detach()
    values = (values.abs() if values.is_complex() else values).double()
    if values.dim() < 2 or dimension >= values.dim():
        values, dimension = values.reshape(1, -1), 0
    others = [number for number in range(values.dim()) if number != dimension % values.dim()]
    variances, means = torch.var_mean(values, dim=others, correction=0)
    channels = len(means)
    squared, variance = means.square().mean().item(), variances.mean().item()
    if not math.isfinite(variance):
        squared = variance = math.nan if bool(values.isnan().any()) else math.inf
    return ChannelMoments(squared, variance, channels, values.numel() // max(channels, 1))
