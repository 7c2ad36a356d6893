"""BN215: GroupNorm refuses a number of groups that does not divide the channels."""

import math

import pytest

pytest.importorskip("torch")

from torch import nn


@pytest.mark.parametrize(("groups", "channels"), [(32, 48), (32, 16), (32, 97)])
def test_it_is_refused_when_it_is_built(groups: int, channels: int) -> None:
    with pytest.raises(
        ValueError, match=rf"\({channels}\) must be divisible by num_groups \({groups}\)"
    ):
        nn.GroupNorm(groups, channels)
    nn.GroupNorm(math.gcd(groups, channels), channels)
