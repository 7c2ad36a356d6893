"""Which BatchNorm layers of a model are synchronised at a forward, and which were only meant to be."""

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import NormState
from tests.rehearsing import forwards, rehearse

CONVERT = "nn.SyncBatchNorm.convert_sync_batchnorm"


def norm_after(code: str) -> NormState:
    (norm,) = forwards(rehearse(f"{code}\nmodel(torch.randn(4, 3, 8, 8))\n", net=True))[0].norms
    return norm


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("model = Net()", Known.NO),
        (f"model = {CONVERT}(Net())", Known.YES),
        (f"model = Net()\n{CONVERT}(model)", Known.YES),
        (f"model = nn.parallel.DistributedDataParallel(Net())\n{CONVERT}(model)", Known.YES),
        (f"model = nn.parallel.DistributedDataParallel({CONVERT}(Net()))", Known.YES),
        (f"model = Net()\nif several:\n    model = {CONVERT}(model)", Known.UNKNOWN),
        (f"model = Net()\n{CONVERT}(model.bn)", Known.NO),
        (f"model = Net()\nmodel.bn = {CONVERT}(model.bn)", Known.YES),
        (f"model = Net()\nmodel.apply({CONVERT})", Known.YES),
        ("from torchvision.models import resnet50\nmodel = resnet50()", Known.NO),
        (f"from torchvision.models import resnet50\nmodel = {CONVERT}(resnet50())", Known.YES),
    ],
)
def test_which_layers_are_synchronised(code: str, expected: Known) -> None:
    assert norm_after(code).synchronised is expected


def test_a_package_has_layers_that_are_synchronised() -> None:
    norm = norm_after("import encoding\nmodel = Net()\nmodel.bn = encoding.nn.BatchNorm2d(8)")
    assert norm.synchronised is Known.YES


def test_where_a_conversion_was_lost() -> None:
    lost = norm_after(f"model = Net()\nother = {CONVERT}(model.bn)").converted_at
    assert lost is not None and lost.text == f"{CONVERT}(model.bn)"
    assert norm_after(f"model = Net()\nmodel.bn = {CONVERT}(model.bn)").converted_at is None


def test_a_new_layer_keeps_mode_and_arguments() -> None:
    norm = norm_after(f"model = Net()\nmodel.eval()\nmodel.bn = {CONVERT}(model.bn)")
    assert norm.layer is not None and norm.layer.type == "torch.nn.SyncBatchNorm"
    assert norm.layer.arguments["num_features"].value == 8
    assert {switch.training for switch in norm.mode} == {False}
