"""BN506: what DataParallel does with a batch, by its own functions, without devices of their own."""

import copy

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


def test_parts_are_normalised_by_themselves_and_the_first_is_kept() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(1)
    batch = torch.cat([torch.randn(8, 1), torch.randn(8, 1) + 5])
    parts = batch.chunk(2)  # what ``scatter`` does
    replicas = [norm, copy.deepcopy(norm)]  # the first shares its buffers with the module
    outputs = [replica(part).detach() for replica, part in zip(replicas, parts, strict=True)]
    assert all(abs(float(output.mean())) < 1e-5 for output in outputs)
    assert isinstance(norm.running_mean, Tensor)
    assert torch.allclose(norm.running_mean, 0.1 * parts[0].mean(0))
    whole = nn.BatchNorm1d(1)(batch).detach()
    assert float(whole[8:].mean()) > 0.8


def test_statistics_of_half_a_batch_are_noisier() -> None:
    torch.manual_seed(0)
    means = {size: torch.randn(2000, size).mean(1).std().item() for size in (12, 24)}
    assert means[12] / means[24] == pytest.approx(2**0.5, rel=0.1)
