"""BN614: with batch statistics, how a query is classified depends on the other queries."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional as F

WAYS, SHOTS, QUERIES = 5, 5, 15


def accuracies(seed: int) -> tuple[float, float, float]:
    """Of an adapted network: on all queries at once, on those of one class at a time, and one by one in eval mode."""
    torch.manual_seed(seed)
    means = 2 * torch.randn(WAYS, 16)
    labels = torch.arange(WAYS)

    def samples(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        answers = labels.repeat_interleave(count)
        return means[answers] + torch.randn(len(answers), 16), answers

    net = nn.Sequential(
        nn.Linear(16, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, WAYS)
    )
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    support, answers = samples(SHOTS)
    for _ in range(50):
        optimizer.zero_grad()
        F.cross_entropy(net(support), answers).backward()
        optimizer.step()
    queries, answers = samples(QUERIES)
    right = []
    with torch.no_grad():
        right.append(net(queries).argmax(1) == answers)
        right.append(torch.cat([net(part).argmax(1) for part in queries.split(QUERIES)]) == answers)
        right.append(
            torch.cat([net.eval()(query).argmax(1) for query in queries.split(1)]) == answers
        )
    return tuple(part.float().mean().item() for part in right)


def test_queries_of_one_class_at_a_time_are_guessed() -> None:
    together, by_class, alone = accuracies(0)
    assert together > 0.95
    assert by_class == pytest.approx(1 / WAYS, abs=0.1)
    assert alone > 0.95
