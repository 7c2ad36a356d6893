"""Arguments of constructors that a call stores in the object: Lightning's hyperparameters, ``store_attr``."""

import pytest

from tests.rehearsing import modes, rehearse, widths

LIGHTNING = """
import argparse
import lightning as L
class Lit(L.LightningModule):
    def __init__(self, width, {parameters}):
        super().__init__()
        self.save_hyperparameters({saved})
        self.build()
    def build(self):
        self.norm = nn.BatchNorm2d({read})
{call}
"""


@pytest.mark.parametrize(
    ("parameters", "saved", "read", "call"),
    [
        ("depth=4", "", "self.hparams.width", "Lit(8)"),
        ("depth=8", "", "self.hparams.depth", "Lit(4)"),
        ("**kwargs", "", "self.hparams.depth", "Lit(4, depth=8)"),
        ("**kwargs", "", "self.hparams['depth']", "Lit(4, **{'depth': 8})"),
        ("depth=8", "'width', 'depth'", "self.hparams.depth", "Lit(4)"),
        ("depth=8", "ignore=['width']", "self.hparams.depth", "Lit(4)"),
        ("depth=8", "ignore='width'", "self.hparams.get('width', 8)", "Lit(4)"),
        ("depth=8", "'depth'", "self.hparams.get('width', 8)", "Lit(4)"),
        ("depth=4", "width", "self.hparams.depth", "Lit({'depth': 8})"),
        ("depth=4", "width", "self.hparams.depth", "Lit(argparse.Namespace(depth=8))"),
        ("depth=4", "{'depth': 8}", "self.hparams.depth", "Lit(4)"),
        ("depth=4", "); self.save_hyperparameters({'more': 8}", "self.hparams.more", "Lit(4)"),
    ],
)
def test_hyperparameters_are_the_arguments(
    parameters: str, saved: str, read: str, call: str
) -> None:
    code = LIGHTNING.format(parameters=parameters, saved=saved, read=read, call=call)
    assert widths(rehearse(code)) == [8]


@pytest.mark.parametrize(
    ("parameters", "saved", "call"),
    [
        ("**kwargs", "", "Lit(4, **unknown)"),
        ("depth=4", "*unknown", "Lit(4)"),
        ("depth=4", "ignore=unknown", "Lit(4)"),
        ("depth=4", "unknown", "Lit(4)"),
    ],
)
def test_hyperparameters_are_not_known(parameters: str, saved: str, call: str) -> None:
    read = "self.hparams.width"
    code = LIGHTNING.format(parameters=parameters, saved=saved, read=read, call=call)
    assert widths(rehearse(code)) == [None]


LEARNER = """
import fastcore.all as fc
from fastcore.basics import store_attr
class Learner:
    def __init__(self, model, loader=None, lr=0.1, **kwargs):
        depth = 3
        {store}
    def fit(self):
        self.model.train()
        for batch in self.loader:
            self.model(batch)
        torch.no_grad()(self.evaluate)()
    def evaluate(self):
        self.model.eval()
net = Net()
Learner(net, loader).fit()
net(x)
"""


@pytest.mark.parametrize(
    "store",
    [
        "fc.store_attr()",
        "store_attr()",
        "store_attr('model, loader')",
        "store_attr(['model', 'loader', 'depth'])",
        "store_attr(but='lr')",
        "store_attr(but=['lr'])",
    ],
)
def test_what_is_stored_is_trained_and_evaluated(store: str) -> None:
    assert modes(rehearse(LEARNER.format(store=store), net=True)) == ["train", "train", "eval"]


@pytest.mark.parametrize("store", ["store_attr('lr')", "store_attr(but='model')"])
def test_what_is_not_stored_is_left_alone(store: str) -> None:
    assert modes(rehearse(LEARNER.format(store=store), net=True))[-1] == "train"
