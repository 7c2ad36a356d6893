"""BN707: without tracking, frozen layers are normalised by the batch in training and by old statistics after it."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

CLASSES = 2


def freeze(module: nn.Module) -> None:
    """What Lightning's ``BaseFinetuning.freeze(module, train_bn=False)`` does."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.track_running_stats = False
        part.requires_grad_(False)


def accuracies(*, in_eval: bool) -> tuple[float, float]:
    """Of a head on frozen features, as it is trained and in eval mode, on data of another mean and spread."""
    torch.manual_seed(0)
    labels = torch.randint(CLASSES, (1024,))
    data = 6 + 3 * (torch.randn(1024, 8) + 2 * (2 * labels[:, None] - 1))
    body = nn.Sequential(nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.Tanh())
    head = nn.Linear(32, CLASSES)
    freeze(body)
    body.train(not in_eval)
    optimizer = torch.optim.Adam(head.parameters(), 1e-2)
    for _ in range(5):
        for x, y in zip(data.split(64), labels.split(64), strict=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(head(body(x)), y).backward()
            optimizer.step()

    def accuracy() -> float:
        with torch.no_grad():
            return (head(body(data)).argmax(1) == labels).float().mean().item()

    trained = accuracy()
    body.eval()
    return trained, accuracy()


def test_a_head_learns_features_that_eval_mode_does_not_have() -> None:
    trained, evaluated = accuracies(in_eval=False)
    assert trained == pytest.approx(1.0, abs=0.02)
    assert evaluated == pytest.approx(0.76, abs=0.1)


def test_in_eval_mode_throughout_both_have_the_same() -> None:
    trained, evaluated = accuracies(in_eval=True)
    assert trained == evaluated == pytest.approx(0.97, abs=0.02)
