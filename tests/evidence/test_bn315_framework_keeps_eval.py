"""BN315: Lightning's fit trains a module in the mode in which it gets it."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning")

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(lightning.LightningModule):  # type: ignore[misc, name-defined]
    """A network that notes the mode of its BatchNorm layer in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 2))
        self.modes: list[bool] = []

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        self.modes.append(self.net[1].training)
        x, y = batch
        return nn.functional.cross_entropy(self.net(x), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("restored", [True, False])
def test_fit_keeps_the_mode(restored: bool) -> None:
    torch.manual_seed(0)
    data = DataLoader(TensorDataset(torch.randn(64, 8) + 3, torch.randint(2, (64,))), batch_size=16)
    module = Classifier().eval()
    if restored:
        module.train()
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
    assert module.modes == [restored] * 8
    moved = module.net[1].running_mean.abs().max().item() > 0
    assert moved is restored
