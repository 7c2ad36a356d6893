"""BN319: with BatchNorm alone in eval mode a model still returns its losses, those of the model that is used."""

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn


class Detector(nn.Module):
    """Returns its loss in train mode, and predictions in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.head = nn.BatchNorm1d(4), nn.Linear(4, 3)

    def forward(self, inputs: Tensor, labels: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.norm(inputs))
        return nn.functional.cross_entropy(outputs, labels) if self.training else outputs


@pytest.mark.parametrize("alone", [False, True])
def test_the_loss_of_train_mode_is_that_of_the_model_that_is_used(alone: bool) -> None:
    torch.manual_seed(0)
    detector, labels = Detector(), torch.randint(3, (16,))
    detector(torch.randn(64, 4), torch.randint(3, (64,)))
    shifted = torch.randn(16, 4) + 3
    before = detector.norm.running_mean.clone()
    detector.train()
    if alone:
        detector.norm.eval()
    with torch.no_grad():
        loss = detector(shifted, labels)
        assert torch.equal(before, detector.norm.running_mean) is alone
        detector.norm.running_mean.copy_(before)
        detector.eval()
        used = nn.functional.cross_entropy(detector(shifted, labels), labels)
    assert torch.allclose(loss, used) is alone
