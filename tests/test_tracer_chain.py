"""Every forward gives some graph, and the model comes back as it was."""

import copy
import inspect
import linecache
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import Tensor, fx, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from bnlint.tracer.record import ways  # noqa: E402
from bnlint.tracer.record.stand_in_tensors import in_other_tensors, on_meta  # noqa: E402
from bnlint.tracer.record.uncalled import never_called  # noqa: E402
from bnlint.tracer.record.ways import record  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
SIZES = (2, 3, 6, 6)


class Net(nn.Module):
    def __init__(self, do: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.block = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.3))
        self.scale = torch.ones(3, 1, 1)
        self.seen: list[Any] = []
        self.do = do

    def forward(self, x: Tensor) -> Any:
        return self.do(self, x)


def operations(module: fx.GraphModule) -> list[str]:
    return [str(getattr(node.target, "__name__", node.target)) for node in module.graph.nodes]


def branch_on_value(self: Net, x: Tensor) -> Tensor:
    if x.sum() > 1e9:
        return x
    return self.block(self.conv(x))


def only_with_gradients(self: Net, x: Tensor) -> Tensor:
    x = x.requires_grad_()
    (grad,) = torch.autograd.grad(self.conv(x).sum(), x)
    return self.block(grad)


NEED_VALUES: dict[str, Callable[[Any, Tensor], Any]] = {
    "branch": branch_on_value,
    "item": lambda self, x: self.block(self.conv(x)) * (1 + x.mean().item()),
    "nonzero": lambda self, x: self.block(self.conv(x)).flatten()[(x.flatten() > -9).nonzero()],
    "mask": lambda self, x: self.block(self.conv(x))[x == x],
    "numpy": lambda self, x: self.block(self.conv(x)) * float(x.detach().cpu().numpy().max()),
    "int": lambda self, x: self.block(self.conv(x)) * int(x.argmax()),
    "tolist": lambda self, x: self.block(self.conv(x)) + x[0, 0, 0].tolist()[0],
    "equal": lambda self, x: self.block(self.conv(x)) if torch.equal(x, x) else x,
}


@pytest.mark.parametrize("name", NEED_VALUES)
def test_code_that_looks_into_tensors_gets_real_ones(name: str) -> None:
    model = Net(NEED_VALUES[name])
    recording = record(model, (torch.zeros(SIZES, device="meta"),))
    assert (recording.how, recording.problems) == ("cpu", ())
    assert {"conv", "block.0"} <= set(operations(recording.module))
    assert len(recording.failures) == 1


def test_forwards_may_ask_for_gradients() -> None:
    recording = record(Net(only_with_gradients), (torch.zeros(SIZES),))
    assert recording.how in ("meta", "cpu")
    assert "block.0" in operations(recording.module)


def test_operations_are_recorded_until_one_fails() -> None:
    def fails(self: Net, x: Tensor) -> Tensor:
        y = self.conv(x)
        return torch.cat([y, x[:, :, 1:]], 1)

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.Sequential(nn.Conv2d(3, 3, 1), Net(fails), nn.ReLU())

        def forward(self, x: Tensor) -> Tensor:
            return self.stages(x) if x.shape[0] > 0 else x

    recording = record(Outer(), (torch.zeros(SIZES),))
    assert recording.how == "partial"
    assert operations(recording.module)[1:3] == ["stages.0", "stages.1.conv"]
    (problem,) = recording.problems
    assert problem.startswith("`cat` at ") and "in `stages.1` failed: RuntimeError" in problem
    line = int(problem.partition(f"{__file__}:")[2].split()[0])
    assert "torch.cat" in linecache.getline(__file__, line)


def test_layers_that_fail_are_named() -> None:
    recording = record(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(5, 4, 3)), (torch.zeros(SIZES),))
    assert recording.how == "symbolic"
    assert recording.failures[0].startswith("`1`")
    assert "channel" in recording.failures[0]
    (problem,) = record(
        Net(lambda self, x: float(self.conv(x[:, :1]))), (torch.zeros(SIZES),)
    ).problems
    assert problem.startswith("`conv` at ")


def test_errors_of_the_user_are_told() -> None:
    def refuse(self: Net, x: Tensor) -> Tensor:
        if x.shape[-1] != 7:
            raise ValueError("images must be 7 pixels wide")
        return x

    (problem,) = record(Net(refuse), (torch.zeros(SIZES),)).problems
    assert "ValueError: images must be 7 pixels wide" in problem
    assert f"{__file__}:{inspect.getsourcelines(refuse)[1] + 2}" in problem


def test_without_any_working_input_torch_fx_gives_the_graph() -> None:
    recording = record(
        Net(lambda self, x: self.block(self.conv(x)) + x), (torch.zeros(2, 5, 6, 6),)
    )
    assert (recording.how, recording.problems) == ("symbolic", ())
    nodes = {str(node.target): node for node in recording.module.graph.nodes}
    assert nodes["conv"].meta["owner"] == "conv"
    assert nodes["conv"].meta["place"].file == __file__
    assert len(recording.failures) == 2
    assert fx.Interpreter(recording.module).run(torch.ones(SIZES)).shape == SIZES


def test_lazy_layers_are_a_problem() -> None:
    model = nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d())
    recording = record(model, (torch.zeros(SIZES),))
    assert recording.how == "partial"
    assert "`0` is a LazyConv2d" in recording.problems[0]
    model(torch.zeros(SIZES))
    assert record(model, (torch.zeros(SIZES),)).how == "meta"


def test_large_models_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(32_768, 32_768), nn.BatchNorm1d(32_768))
    given = torch.zeros(2, 32_768, device="meta")
    assert record(model, (given,)).how == "meta"
    monkeypatch.setattr(torch, "zeros", None)  # what would hold the values

    class Looking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = model

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x) if self.body(x).sum() > 0 else x

    recording = record(Looking(), (given,))
    assert recording.how == "partial"
    looks, refusal = recording.problems
    assert "`__bool__`" in looks or "Boolean" in looks or "meta" in looks
    assert "parameters of 4.0 GiB are not given values" in refusal


@pytest.mark.parametrize("way", ["meta", "cpu", "symbolic"])
def test_a_single_way_can_be_asked_for(way: str) -> None:
    recording = record(Net(lambda self, x: self.conv(x)), (torch.zeros(SIZES),), ways=(way,))
    assert (recording.how, recording.problems) == (way, ())


def test_a_model_may_have_parts_with_the_names_of_fx() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.graph, self.code, self.meta = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.meta(self.code(self.graph(x)))

    recording = record(Named(), (torch.zeros(SIZES),))
    assert operations(recording.module)[1:4] == ["graph", "code", "meta"]


# -- the model comes back -------------------------------------------------------------------------


def snapshot(model: nn.Module) -> dict[str, Any]:
    tensors = [*model.parameters(), *model.buffers()]
    numpy = sys.modules.get("numpy")
    return {
        "objects": [id(tensor) for tensor in tensors],
        "values": [tensor.tolist() for tensor in tensors if not tensor.is_meta],
        "gradients": [(tensor.requires_grad, tensor.grad) for tensor in tensors],
        "modes": [module.training for module in model.modules()],
        "attributes": [
            {name: id(value) for name, value in module.__dict__.items() if name != "training"}
            for module in model.modules()
        ],
        "contents": [
            {n: list(v) for n, v in module.__dict__.items() if isinstance(v, dict | list)}
            for module in model.modules()
        ],
        "random": (torch.get_rng_state().tolist(), random.getstate()),
        "numpy": str(numpy.random.get_state()) if numpy is not None else None,
    }


def meddling(self: Net, x: Tensor) -> Tensor:
    self.seen.append(x)
    self.last = x
    self.counter = 3
    self.scale.mul_(2)
    self.extra = nn.Linear(2, 2)
    self.conv.register_forward_hook(lambda *_: None)
    self.conv.weight.requires_grad_(False)
    self.conv.weight.data.clamp_(-0.01, 0.01)
    with torch.no_grad():
        self.conv.bias.fill_(3)
    self.register_buffer("cache", x)
    self.eval()
    torch.manual_seed(99)
    random.seed(99)
    torch.rand(3), random.random()
    return self.block(self.conv(x) * self.scale)


def meddling_with_values(self: Net, x: Tensor) -> Tensor:
    y = meddling(self, x)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.rand(3)
    return y * y.sum().item()


def meddling_and_failing(self: Net, x: Tensor) -> Tensor:
    meddling_with_values(self, x)
    raise KeyError("no such thing")


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("do", [meddling, meddling_with_values, meddling_and_failing])
def test_the_model_comes_back_untouched(do: Callable[[Any, Tensor], Any], training: bool) -> None:
    model = Net(do)
    model.block[0].eval()
    model.conv.register_forward_pre_hook(lambda *_: None)
    before = snapshot(model)
    call = nn.Module.__call__
    for _ in range(2):
        record(model, (torch.ones(SIZES),), training=training)
    assert snapshot(model) == before
    assert nn.Module.__call__ is call


def test_scripted_modules_come_back_untouched() -> None:
    body = torch.jit.script(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)))
    model = nn.Sequential(body, nn.ReLU()).eval()
    before = copy.deepcopy(model.state_dict())
    for way in ("meta", "cpu"):
        record(model, (torch.randn(SIZES),), ways=(way,))
    assert not any(module.training for module in model.modules())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_the_model_comes_back_if_changing_it_fails() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    before = snapshot(model)
    made = []

    def change(tensor: Tensor) -> Tensor:
        made.append(tensor)
        if len(made) == 4:
            raise MemoryError
        return on_meta(tensor)

    with pytest.raises(MemoryError), in_other_tensors(model, change, training=False):
        pass
    assert snapshot(model) == before


def test_interruptions_pass_and_leave_the_model_alone() -> None:
    def interrupt(self: Net, x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    model = Net(interrupt)
    before = snapshot(model)
    with pytest.raises(KeyboardInterrupt):
        record(model, (torch.zeros(SIZES),))
    assert snapshot(model) == before


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: nn.Conv2d(3, 3, 3, padding=1),
    "norm": lambda: nn.BatchNorm2d(3, momentum=0.3),
    "statistics only": lambda: nn.BatchNorm2d(3, affine=False),
    "no statistics": lambda: nn.BatchNorm2d(3, track_running_stats=False),
    "instance": lambda: nn.InstanceNorm2d(3),
    "group": lambda: nn.GroupNorm(3, 3),
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(),
    "dropout": lambda: nn.Dropout2d(0.5),
    "prelu": lambda: nn.PReLU(3),
    "gelu": nn.GELU,
    "own": lambda: Net(lambda self, x: F.relu_(self.conv(x) * self.scale) + self.block(x)),
    "up": lambda: nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.MaxPool2d(2), nn.Hardswish(True)
    ),
    "fails": lambda: Net(lambda self, x: x.sum().numpy().nothing),
}


@st.composite
def models(draw: st.DrawFn) -> nn.Module:
    drawn = draw(st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=5))
    layers = [LAYERS[name]() for name in drawn]
    if draw(st.booleans()):
        layers.append(layers[0])
    for layer in layers:
        layer.train(draw(st.booleans()))
        for parameter in layer.parameters():
            parameter.requires_grad_(draw(st.booleans()))
    return nn.Sequential(*layers)


@settings(max_examples=40, deadline=None)
@given(models(), st.booleans())
def test_any_model_comes_back_untouched_and_its_graph_runs(model: nn.Module, mode: bool) -> None:
    before = snapshot(model)
    recording = record(model, (torch.zeros(SIZES),), training=mode)
    assert snapshot(model) == before
    if recording.how == "meta":
        model.train(mode)
        state = copy.deepcopy(model.state_dict())
        x = torch.randn(SIZES)
        with torch.random.fork_rng(), torch.no_grad():
            ours = fx.Interpreter(recording.module).run(x.clone())
        model.load_state_dict(state)
        with torch.no_grad():
            theirs = model(x.clone())
        torch.testing.assert_close(ours, theirs)


CHILD = """
import sys, torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from bnlint.tracer.record.torch_patches import leave_dynamo_out
leave_dynamo_out()
from bnlint.tracer.record.ways import record

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.compile(nn.Conv2d(3, 3, 1))
        self.norm = nn.BatchNorm2d(3)

    @torch.compile
    def forward(self, x):
        return checkpoint(self.norm, self.conv(x).relu(), use_reentrant=False) + x

recording = record(Net(), (torch.zeros(2, 3, 4, 4),))
assert (recording.how, recording.problems) == ("meta", ()), recording
assert not hasattr(sys.modules["torch._dynamo"], "__file__")
assert not any(name.startswith("torch._inductor") for name in sys.modules)

import torch._dynamo.utils
from torch._dynamo.exc import Unsupported
from torch._dynamo.utils import is_compile_supported
torch._dynamo.config.suppress_errors = True
with torch._dynamo.config.patch(verbose=True):
    assert not is_compile_supported("cpu") and issubclass(Unsupported, Exception)
assert torch._dynamo.disable(recursive=False)(record) is torch._dynamo.disable(record) is record
"""


def test_the_compiler_may_be_left_out() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_limit_of_memory_counts_each_tensor_once() -> None:
    layer = nn.Linear(4, 4, bias=False)
    assert ways.stand_in_tensors.memory_needed(nn.Sequential(layer, layer)) == 64


# -- layers that are never called -----------------------------------------------------------------


class Composite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))
        self.weights_only = nn.Linear(8, 8, bias=False)
        self.tied = nn.Linear(8, 8, bias=False)
        self.tied.weight = self.weights_only.weight
        self.only_in_eval = nn.Linear(8, 8)
        self.for_others = nn.Linear(8, 8)
        self.forgotten = nn.Linear(8, 8)
        self.forgotten_block = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.normed(self.attention(self.encoder(x), x, x)[0])
        x = F.linear(x, self.weights_only.weight)
        return x if self.training else self.only_in_eval(x)

    def predict(self, x: Tensor) -> Tensor:
        return self.for_others(x)


def test_layers_that_no_forward_calls() -> None:
    model = Composite()
    given = (torch.zeros(2, 4, 8),)
    graphs = [record(model, given, training=mode).module.graph for mode in (True, False)]
    silent = ["forgotten", "forgotten_block.0", "forgotten_block.1"]
    assert list(never_called(model, graphs)) == silent
    assert "only_in_eval" in list(never_called(model, graphs[:1]))
    assert list(never_called(model, [*graphs, None])) == []


def test_layers_of_data_parallel_models_are_called() -> None:
    model = nn.DataParallel(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8)))
    recording = record(model, (torch.zeros(2, 8),))
    assert list(never_called(model, [recording.module.graph])) == []
