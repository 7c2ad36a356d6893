"""Which operations on a loader's batch leave its number of samples as it is."""

import pytest

from bnlint.facts.types.run import Forward
from tests.rehearsing import rehearse

STEP = """
import random
import numpy as np
import kornia.augmentation
import timm.data
import torchvision.transforms as T
import torchvision.transforms.functional as TF

net = Net()
project = nn.Conv2d(3, 3, 1)
loader = DataLoader(Dataset(), batch_size=2)
for x, y in loader:
    x = {given}
    net(x).sum().backward()
"""
KEPT = {
    "a drawn number": "np.random.beta(1.0, 1.0) * x",
    "a drawn tensor with one entry": "torch.rand(1) * x",
    "clamped": "torch.clamp(x + 0.1, 0, 1)",
    "flipped": "x.flip(0)",
    "the next of each sample": "x.roll(1, 0)",
    "mixed up": "x[torch.randperm(x.size(0))]",
    "mixed up by its shape": "x[torch.randperm(x.shape[0], device=x.device), :]",
    "mixed up by NumPy": "x[np.random.permutation(len(x))]",
    "MixUp": "(lambda a, i: a * x + (1 - a) * x[i, :])(random.random(), torch.randperm(x.size()[0]).cuda())",
    "CutMix": "torch.where(torch.rand_like(x) > 0.5, x, x[torch.randperm(len(y))])",
    "more channels": "torch.cat([x, x], 1)",
    "repeated channels": "x.unsqueeze(1).repeat(1, 3, 1, 1)",
    "channels that are the same": "x.expand(-1, 3, -1, -1)",
    "one channel": "x.select(1, 0)",
    "a copy": "torch.as_tensor(x, dtype=torch.float32)",
    "torchvision's transforms": "T.Compose([T.RandomCrop(32), T.Normalize((0.5,), (0.5,))])(x)",
    "torchvision's functions": "TF.hflip(x)",
    "kornia's augmentations": "kornia.augmentation.RandomGrayscale()(x)",
    "timm's MixUp": "timm.data.Mixup()(x, y)[0]",
    "a layer": "project(x)",
    "numbers that are chosen": "torch.where(x > 0, 1.0, 0.0)",
    "samples that are stacked": "torch.stack(x, dim=0)",
    "frames": "torch.stack([x, x], 1).flatten(1, 2)",
}
CHANGED = {
    "the samples of a class": "x[y == 1]",
    "half of the samples": "x[torch.randperm(x.size(0))[: x.size(0) // 2]]",
    "as many as another tensor has": "x[torch.randperm(torch.ones(1, 3).size(0))]",
    "samples that are drawn": "x[torch.randint(0, x.size(0), (1,))]",
    "samples below a threshold": "x[torch.randperm(x.size(0)) < 1]",
    "two batches": "torch.cat([x, x])",
    "repeated samples": "x.repeat(2, 1, 1, 1)",
    "a sample for each of another batch": "x.expand(4, -1, -1, -1)",
    "places that are true": "torch.where(x > 0)[0]",
    "a copy in more dimensions than there are": "x.view(x.size(0), 192).repeat(1, 2, 1)",
    "a view in more dimensions than there are": "x.view(x.size(0), 192).expand(x.size(0), 2, 192)",
    "ten crops": "torch.cat(T.TenCrop(8)(x))",
    "crops that are stacked": "T.FiveCrop(8)(x)[0]",
    "a stack of batches": "torch.stack([x, x])",
    "samples that are stacked along another dimension": "torch.stack(x, dim=1)",
    "one dimension counted from the end": "torch.cat([x, x], dim=-4)",
}


def batch_of(given: str) -> float | None:
    """How many samples the network gets, if that is known."""
    run = rehearse(STEP.format(given=given), net=True).runs[0]
    batches = {event.batch for event in run.events if isinstance(event, Forward)}
    (batch,) = batches
    return batch.number if batch is not None else None


@pytest.mark.parametrize("given", KEPT)
def test_a_batch_that_keeps_its_samples_keeps_their_number(given: str) -> None:
    assert batch_of(KEPT[given]) == 2


@pytest.mark.parametrize("given", CHANGED)
def test_the_number_is_not_known_where_samples_come_or_go(given: str) -> None:
    assert batch_of(CHANGED[given]) is None
