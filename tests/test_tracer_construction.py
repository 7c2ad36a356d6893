"""Where layers are built, which parameters are constant, and what building leaves alone."""

import linecache
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from bnlint.tracer.building.observed import FILLED, PLACES, watched  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def conv3x3(inside: int, outside: int) -> nn.Module:
    return nn.Conv2d(inside, outside, 3, bias=False)


NORM = partial(nn.BatchNorm2d, eps=1e-4)


class OwnNorm(nn.BatchNorm2d):
    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-3)
        nn.init.zeros_(self.weight)


class Net(nn.Module):
    def __init__(self, norm: Callable[[int], nn.Module] = NORM) -> None:
        super().__init__()
        self.conv = conv3x3(3, 8)
        self.norm = norm(8)
        self.own = OwnNorm(8)
        self.several = nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])
        self.body = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())


def source(place: Any) -> str:
    assert place.line == place.end_line
    return linecache.getline(place.file, place.line)[place.column : place.end_column]


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("", ["Net()"]),
        ("conv", ["nn.Conv2d(inside, outside, 3, bias=False)", "conv3x3(3, 8)", "Net()"]),
        ("norm", ["norm(8)", "Net()"]),
        ("own", ["OwnNorm(8)", "Net()"]),
        ("several.1", ["nn.Linear(8, 8)"]),
        ("body", ["nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU())", "Net()"]),
        ("body.0", ["nn.Conv2d(8, 8, 1)", "Net()"]),
    ],
)
def test_layers_remember_where_they_are_built(name: str, calls: list[str]) -> None:
    with watched():
        model = Net()
    places = model.get_submodule(name).__dict__[PLACES]
    assert [source(place) for place in places[: len(calls)]] == calls
    assert len(places) <= 6


class Filled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.other = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        self.conv, self.linear = nn.Conv2d(4, 4, 1), nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.zeros(4))
        self.shift = nn.Parameter(torch.full((4,), 0.5))
        self.noise = nn.Parameter(torch.randn(4))
        nn.init.constant_(self.norm.weight, 0.25)
        self.other.weight.data.fill_(0)
        nn.init.zeros_(self.linear.weight)
        nn.init.normal_(self.linear.weight)
        self.linear.bias.data.zero_()


@pytest.mark.parametrize("meta", [True, False])
def test_parameters_of_one_number_are_known(meta: bool) -> None:
    with watched(meta=meta):
        model = Filled()
    assert all(parameter.is_meta is meta for parameter in model.parameters())
    filled = {name: module.__dict__[FILLED] for name, module in model.named_modules()}
    assert filled == {
        "": {"scale": 0.0, "shift": 0.5},
        "norm": {"weight": 0.25, "bias": 0.0},
        "other": {"weight": 0.0, "bias": 0.0},
        "conv": {},
        "linear": {"bias": 0.0},
    }


class OnGpu(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1).cuda()
        self.norm = nn.BatchNorm2d(3, device="cuda")
        self.table = torch.cuda.FloatTensor([1.0, 2.0])
        self.steps = torch.arange(3, device="cuda:0").cuda()
        self.moved = nn.Linear(2, 2).to("cuda")
        self.register_buffer("mask", torch.ones(2).to(torch.device("cuda")))
        self.own = nn.Parameter(torch.zeros(3).cuda())


def test_nothing_needs_a_gpu() -> None:
    with watched():
        model = OnGpu()
    assert all(parameter.is_meta for parameter in model.parameters())
    assert (model.table.tolist(), model.steps.tolist()) == ([1.0, 2.0], [0, 1, 2])
    assert model.mask.device.type == "cpu"


def test_constructors_may_look_into_tensors() -> None:
    class Looking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            rates = [rate.item() for rate in torch.linspace(0, 0.5, 3)]
            self.drops = nn.ModuleList(nn.Dropout(rate) for rate in rates)

    with watched():
        model = Looking()
    assert [drop.p for drop in model.drops] == [0.0, 0.25, 0.5]


def test_tied_parameters_stay_tied() -> None:
    with watched():
        one, other = nn.Linear(4, 4), nn.Linear(4, 4)
        other.weight = one.weight
    assert other.weight is one.weight
    assert other.weight.is_meta


def test_large_models_take_no_memory() -> None:
    with watched():
        model = nn.Sequential(*(nn.Linear(8192, 8192) for _ in range(16)))
    assert sum(parameter.numel() for parameter in model.parameters()) > 1e9
    assert all(parameter.is_meta for parameter in model.parameters())


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_torch_is_as_before(error: type[BaseException] | None) -> None:
    def functions() -> list[object]:
        owners = (nn.Module.__init__, nn.Module.register_parameter, nn.Module.cuda)
        return [*owners, torch.Tensor.cuda, torch.cuda.FloatTensor]

    before = functions()
    try:
        with watched():
            assert functions() != before
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    assert functions() == before
    assert not nn.Linear(2, 2).weight.is_meta
    assert torch.overrides._get_current_function_mode() is None


def test_the_same_code_in_two_files_is_built_in_both(tmp_path: Path) -> None:
    text = "from torch import nn\n\n\ndef build():\n    return nn.BatchNorm2d(3)\n"
    files = [tmp_path / "one.py", tmp_path / "two.py"]
    found = []
    for file in files:
        scope: dict[str, Any] = {}
        exec(compile(text, str(file), "exec"), scope)
        with watched(meta=False):
            found.append(scope["build"]().__dict__[PLACES][0].file)
    assert found == [str(file) for file in files]
