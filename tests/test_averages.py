"""Averages of weights that torch keeps, and running statistics that are estimated for them."""

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeSwitched, Run, is_training
from bnlint.facts.types.weight_events import StatisticsEstimated, WeightsAveraged
from tests.rehearsing import rehearse

START = """
from torch.optim import swa_utils
from torch.optim.swa_utils import AveragedModel, update_bn
net = Net()
loader = DataLoader(Dataset(), batch_size=8)
"""


def run_of(code: str) -> Run:
    return next(run for run in rehearse(START + code, net=True).runs if run.main)


def test_an_average_is_a_copy_with_a_mode_of_its_own() -> None:
    run = run_of(
        "average = AveragedModel(net)\naverage.eval()\nnet(1)\naverage(1)\naverage.module(1)"
    )
    modes = [(f.model.identity, is_training(f.mode)) for f in run.of_type(Forward)]
    live, mean = modes[0][0], modes[1][0]
    assert modes == [(live, Known.YES), (mean, Known.NO), (mean, Known.NO)]
    assert live != mean
    assert len(next(run.of_type(ModeSwitched)).model.batch_norms) == 1


OPTIONS = {
    "": (Known.YES, Known.NO),
    "use_buffers=True": (Known.YES, Known.YES),
    "device='cpu', use_buffers=flag": (Known.YES, Known.UNKNOWN),
    "'cpu', None, None, True": (Known.YES, Known.YES),
    "avg_fn=lambda a, b, n: a": (Known.UNKNOWN, Known.NO),
    "multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9)": (Known.UNKNOWN, Known.NO),
    "avg_fn=swa_utils.get_swa_avg_fn()": (Known.YES, Known.NO),
    "**options": (Known.UNKNOWN, Known.UNKNOWN),
}


@pytest.mark.parametrize("given", OPTIONS)
def test_what_an_average_is_told_to_do(given: str) -> None:
    code = f"from settings import flag, options\naverage = AveragedModel(net, {given})\n"
    (update,) = run_of(code + "average.update_parameters(net)").of_type(WeightsAveraged)
    assert (update.equally, update.buffers) == OPTIONS[given]
    assert update.source is not None and not update.source.is_same(update.model)
    assert update.model.name == "average"


ESTIMATED = {
    "update_bn(loader, average)": "torch.optim.swa_utils.update_bn",
    "update_bn(model=average.module, loader=loader)": "torch.optim.swa_utils.update_bn",
    "import fvcore\nfvcore.nn.update_bn_stats(average, loader)": "fvcore.nn.update_bn_stats",
    "import other\nother.settle(average)": "",
}


@pytest.mark.parametrize("code", ESTIMATED)
def test_statistics_are_estimated(code: str) -> None:
    begin = "average = AveragedModel(net)\naverage.update_parameters(net)\n"
    run = run_of(begin + code)
    (event,) = run.of_type(StatisticsEstimated)
    (update,) = run.of_type(WeightsAveraged)
    assert event.function == ESTIMATED[code]
    assert event.model.is_same(update.model)
    assert (event.loader is not None) == bool(event.function)
