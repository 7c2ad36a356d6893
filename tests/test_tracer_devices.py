"""Forwards that were written for a GPU, or for the CPU, are recorded without data all the same."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, fx, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from bnlint.tracer.record.ways import record  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
SIZES = (2, 3, 6, 6)
Forward = Callable[[Any, Tensor], Any]


class Net(nn.Module):
    def __init__(self, do: Forward) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(3)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.anchors = {"small": [torch.ones(3, 1, 1)]}
        self.do = do

    def forward(self, x: Tensor) -> Any:
        return self.do(self, x)


def meshgrid(self: Net, x: Tensor) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    return self.bn(x) + rows * columns


def sampled(self: Net, x: Tensor) -> Tensor:
    grid = F.affine_grid(torch.eye(2, 3).repeat(x.shape[0], 1, 1), list(x.shape))
    return F.grid_sample(self.bn(x), grid)


ON_CPU: dict[str, Forward] = {
    "to its device": lambda self, x: self.bn(x.to(self.device)),
    "to a device, by name": lambda self, x: self.bn(x.to(device=self.device, non_blocking=True)),
    "to a device and type": lambda self, x: self.bn(x).to(torch.device("cpu"), torch.float64),
    "cpu": lambda self, x: self.bn(x).cpu().detach(),
    "to that of another": lambda self, x: self.bn(x).to(torch.zeros(1, dtype=torch.float64)),
    "type": lambda self, x: self.bn(x).type(torch.DoubleTensor),
    "type by name": lambda self, x: self.bn(x).type("torch.DoubleTensor"),
    "type of another": lambda self, x: self.bn(x).type(x.type()).type_as(torch.ones(1)),
    "made without a device": lambda self, x: self.bn(x) + torch.linspace(0, 1, 6),
    "made on the cpu": lambda self, x: torch.cat([self.bn(x), torch.ones(SIZES, device="cpu")]),
    "from numbers": lambda self, x: self.bn(x) * torch.tensor([[[0.5]]]),
    "index": lambda self, x: self.bn(x)[:, torch.tensor([0, 2])],
    "in an attribute": lambda self, x: self.bn(x) + self.anchors["small"][0],
    "meshgrid": meshgrid,
    "grid": sampled,
}


@pytest.mark.parametrize("name", ON_CPU)
def test_code_for_the_cpu_needs_no_data(name: str) -> None:
    model = Net(ON_CPU[name])
    recording = record(model, (torch.zeros(SIZES),))
    assert (recording.how, recording.problems) == ("meta", ())
    given = torch.randn(SIZES)
    expected = model(given)
    result = fx.Interpreter(recording.module).run(given)
    torch.testing.assert_close(result, expected)
    last = recording.module.graph.output_node().args[0]
    assert isinstance(last, fx.Node)
    assert (last.meta["sizes"], last.meta["dtype"]) == (tuple(expected.shape), expected.dtype)


def synchronised(self: Net, x: Tensor) -> Tensor:
    torch.cuda.synchronize()
    return self.bn(x.to(torch.cuda.current_device()))


def checked(self: Net, x: Tensor) -> Tensor:
    return self.bn(x.cpu() if isinstance(x, torch.cuda.FloatTensor) else x)  # type: ignore[arg-type]


ON_GPU: dict[str, Forward] = {
    "cuda": lambda self, x: self.bn(x.cuda(0, non_blocking=True)),
    "device": lambda self, x: self.bn(x.to("cuda:1")) + torch.zeros(1, device="cuda"),
    "number": lambda self, x: self.bn(x.to(0)) + torch.zeros(1, device=x.get_device()),
    "type": lambda self, x: self.bn(x).type(torch.cuda.FloatTensor),  # type: ignore[arg-type]
    "type by name": lambda self, x: self.bn(x).type("torch.cuda.FloatTensor"),
    "made": lambda self, x: self.bn(x) + torch.cuda.FloatTensor(1).fill_(0),  # type: ignore[operator]
    "checked": checked,
    "synchronised": synchronised,
}


@pytest.mark.parametrize("way", ["meta", "cpu"])
@pytest.mark.parametrize("name", ON_GPU)
def test_code_for_a_gpu_needs_none(name: str, way: str) -> None:
    before = torch.cuda.FloatTensor, torch.cuda.synchronize, Tensor.cuda
    recording = record(Net(ON_GPU[name]), (torch.zeros(SIZES),), ways=(way,))
    assert (recording.how, recording.problems) == (way, ())
    given = torch.randn(SIZES)
    expected = F.batch_norm(given, None, None, training=True)
    torch.testing.assert_close(fx.Interpreter(recording.module).run(given), expected)
    assert before == (torch.cuda.FloatTensor, torch.cuda.synchronize, Tensor.cuda)


def test_tensors_with_data_are_not_written_to_without_it() -> None:
    def fill(self: Net, x: Tensor) -> Tensor:
        means = torch.zeros(2, 3)
        means[:] = x.mean((2, 3))
        return self.bn(x) + means[:, :, None, None]

    model = Net(fill)
    recording = record(model, (torch.zeros(SIZES),))
    assert (recording.how, recording.problems) == ("cpu", ())
    given = torch.randn(SIZES)
    torch.testing.assert_close(fx.Interpreter(recording.module).run(given), model(given))
