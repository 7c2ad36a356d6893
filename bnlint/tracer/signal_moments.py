"""Means and variances of the channels of a tensor."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Moments:
    """Squared mean and (biased) variance of each channel, averaged over the channels.

    ``samples`` is the number of values that each channel has.
    """

    squared_mean: float
    variance: float
    channels: int
    samples: int


def moments(tensor: Tensor, dimension: int) -> Moments:
    """The moments of the channels that stand in a dimension, computed in double precision.

    Both are infinite where a value is, and not a number where a value is none, so that an overflow
    of the model's own numbers shows, and only that.
    """
    values = tensor.detach()
    values = (values.abs() if values.is_complex() else values).double()
    if values.dim() < 2 or dimension >= values.dim():
        values, dimension = values.reshape(1, -1), 0
    channels = values.movedim(dimension, 0).flatten(1)
    count, samples = channels.shape
    if not bool(channels.isfinite().all()):
        broken = math.nan if bool(channels.isnan().any()) else math.inf
        return Moments(broken, broken, count, samples)
    variance, mean = torch.var_mean(channels, dim=1, correction=0)
    return Moments(mean.square().mean().item(), variance.mean().item(), count, samples)
