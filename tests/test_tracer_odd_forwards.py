"""What few forwards do, and some do: other containers, hidden layers, new data, cycles."""

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, fx, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.nn.utils import rnn  # noqa: E402

from bnlint.tracer.record.ways import Recording, record  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
SIZES = (4, 3, 6, 6)


def norm_and_conv() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))


def nodes(recording: Recording, name: str) -> list[fx.Node]:
    return [n for n in recording.module.graph.nodes if getattr(n.target, "__name__", "") == name]


def same(recording: Recording, model: nn.Module) -> None:
    """The graph computes what the model does, on the same random numbers."""
    given = torch.randn(SIZES)
    torch.manual_seed(7)
    expected = tensors(model(given.clone()))
    torch.manual_seed(7)
    result = tensors(fx.Interpreter(recording.module).run(given.clone()))
    assert len(expected) == len(result) > 0
    for mine, theirs in zip(result, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def tensors(value: Any) -> list[Tensor]:
    match value:
        case Tensor():
            return [value]
        case list() | tuple():
            return [tensor for item in value for tensor in tensors(item)]
        case dict():
            return tensors(list(value.values()))
        case Boxes():
            return tensors([value.image, value.pairs])
    return tensors(vars(value)) if hasattr(value, "__dict__") else []


@dataclass(slots=True)
class Boxes:
    image: Tensor
    pairs: tuple[Tensor, ...]
    name: str = "boxes"


class Holder:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class Net(nn.Module):
    def __init__(self, do: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(3)
        self.lstm = nn.LSTM(6, 4, batch_first=True)
        self.lock = threading.Lock()
        self.do = do

    def forward(self, x: Tensor) -> Any:
        with self.lock:
            return self.do(self, x)


def packed(self: Net, x: Tensor) -> Tensor:
    lengths = torch.arange(x.shape[0]) + 1
    given = rnn.pack_padded_sequence(x.mean(1), lengths, batch_first=True, enforce_sorted=False)
    output, _ = self.lstm(given)
    padded, _ = rnn.pad_packed_sequence(output, batch_first=True)
    return padded


def new_data(self: Net, x: Tensor) -> Tensor:
    y = self.bn(x)
    y.data = x * 3
    return y + 1


def binarised(self: Net, x: Tensor) -> Tensor:
    kept = self.bn.weight.data
    self.bn.weight.data = self.bn.weight.data.sign() * 2
    y = self.bn(x)
    self.bn.weight.data = kept
    return y


def made_here(self: Net, x: Tensor) -> Tensor:
    layer = nn.Linear(6, 6)
    return layer(self.bn(x))


ODD: dict[str, Callable[[Any, Tensor], Any]] = {
    "packed sequence": packed,
    "packed output": lambda self, x: rnn.pack_sequence([x[0, 0], x[1, 0]]),
    "slots": lambda self, x: Boxes(self.bn(x), (x, x + 1)),
    "nested object": lambda self, x: Holder(a=Holder(b=[self.bn(x)], c={"d": x * 2}), n=3),
    "keys": lambda self, x: {0: self.bn(x), None: {1.5: x + 1}},
    "new data": new_data,
    "new data of a parameter": binarised,
    "layer of the moment": made_here,
    "range": lambda self, x: self.bn(x) + torch.tensor(range(6)),
    "type": lambda self, x: self.bn(x).type(torch.FloatTensor),
    "callable": lambda self, x: self.bn(x) + torch.zeros(6).map_(x[0, 0, 0] * 0, max),
    "own call": lambda self, x: nn.BatchNorm2d.forward(self.bn, x) + self.bn.__call__(x),
    "fold": lambda self, x: F.fold(F.unfold(self.bn(x), 3), (6, 6), 3),
    "complex": lambda self, x: torch.view_as_complex(torch.stack([self.bn(x), x], -1)).abs(),
}


@pytest.mark.parametrize("name", ODD)
def test_the_graph_runs_like_the_model(name: str) -> None:
    torch.manual_seed(3)
    model = Net(ODD[name])
    recording = record(model, (torch.randn(SIZES),))
    assert recording.how in ("meta", "cpu")
    assert recording.problems == ()
    same(recording, model)


def test_arrays_of_numpy_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    scale = numpy.linspace(1, 2, 6, dtype="float32")
    model = Net(lambda self, x: self.bn(x) * torch.tensor(scale) + torch.as_tensor(scale))
    recording = record(model, (torch.randn(SIZES),))
    assert (recording.how, recording.problems) == ("meta", ())
    same(recording, model)


def test_layers_in_plain_lists_are_seen_and_come_back() -> None:
    class Ensemble(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.members = [norm_and_conv(), norm_and_conv()]
            self.by_name = {"last": (norm_and_conv(),)}

        def forward(self, x: Tensor) -> Tensor:
            seen = sum(member(x) for member in self.members) + self.by_name["last"][0](x)
            return seen if bool((x == x).all()) else x

    model = Ensemble()
    hidden: list[Any] = [*model.members, *model.by_name["last"]]
    before = [{name: t.clone() for name, t in m.state_dict().items()} for m in hidden]
    recording = record(model, (torch.randn(SIZES),))
    assert (recording.how, recording.problems) == ("cpu", ())
    for module, state in zip(hidden, before, strict=True):
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, state[name]), name
    weights = [node.args[1] for node in nodes(recording, "conv2d")]
    assert len(weights) == 3
    assert all(isinstance(w, fx.Node) and w.meta["constant"] for w in weights)


class Standardised(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), keepdim=True)
        return F.conv2d(x, (self.weight - mean) / variance.sqrt())


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3, 1, 1))
        self.bn = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Any:
        return self.bn(x) * self.scale


@pytest.mark.parametrize(
    ("model", "function"),
    [
        (Standardised(3, 3, 1, bias=False), "conv2d"),
        (Scaled(), "mul"),
        (nn.utils.parametrizations.weight_norm(Scaled(), "scale"), "mul"),
    ],
    ids=["standardised", "scaled", "parametrised"],
)
def test_operations_on_what_was_made_of_parameters_have_their_owner(
    model: nn.Module, function: str
) -> None:
    recording = record(nn.Sequential(model), (torch.randn(SIZES),))
    assert [node.meta["owner"] for node in nodes(recording, function)] == ["0"]
    same(recording, nn.Sequential(model))


def test_layers_of_others_within_layers_of_torch_are_seen() -> None:
    class Layer(nn.TransformerEncoderLayer):
        def __init__(self) -> None:
            super().__init__(6, 2, batch_first=True)
            self.norm1 = nn.BatchNorm1d(6)  # type: ignore[assignment]

        def forward(self, x: Tensor, *rest: object, **options: object) -> Tensor:
            return x + self.norm1(self.linear2(self.linear1(x)).mT).mT

    encoder = nn.TransformerEncoder(Layer(), 2, enable_nested_tensor=False)
    recording = record(encoder, (torch.zeros(4, 5, 6),))
    targets = [str(n.target) for n in recording.module.graph.nodes if n.op == "call_module"]
    assert targets[:3] == ["layers.0.linear1", "layers.0.linear2", "layers.0.norm1"]
    assert len(targets) == 6


def test_a_module_may_know_the_one_around_it() -> None:
    class Head(nn.Module):
        def __init__(self, around: nn.Module) -> None:
            super().__init__()
            self.around = around

        def forward(self, x: Tensor) -> Any:
            return self.around.bn(x)

    class Around(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn = nn.BatchNorm2d(3)
            self.head = Head(self)

        def forward(self, x: Tensor) -> Any:
            return self.head(x)

    recording = record(Around(), (torch.zeros(SIZES),))
    assert recording.how == "meta"
    (call,) = [node for node in recording.module.graph.nodes if node.op == "call_module"]
    assert (call.target, call.meta["modules"]) == ("bn", ("", "head"))


class Frozen(nn.Sequential):
    def train(self, mode: bool = True) -> "Frozen":
        super().train(mode)
        self[1].eval()
        return self


class Trained(nn.Sequential):
    def train(self, loader: list[Tensor]) -> None:  # type: ignore[override]
        raise AssertionError("this trains, it does not switch modes")


def test_frozen_layers_stay_frozen() -> None:
    model = nn.Sequential(Frozen(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), nn.BatchNorm2d(3)).eval()
    recording = record(model, (torch.zeros(1, 3, 1, 1),))
    assert recording.problems == ()
    errors = {
        node.target: node.meta.get("error")
        for node in recording.module.graph.nodes
        if node.op == "call_module"
    }
    assert errors["0.1"] is None
    assert "more than 1 value per channel" in str(errors["1"])
    assert not any(module.training for module in model.modules())


def test_a_method_that_happens_to_be_called_train_is_not_called() -> None:
    assert record(Trained(nn.BatchNorm2d(3)), (torch.zeros(SIZES),)).how == "meta"


@pytest.mark.parametrize("way", ["meta", "cpu", "symbolic"])
def test_a_forward_that_ends_the_program_does_not(way: str) -> None:
    def leave(self: Net, x: Tensor) -> Tensor:
        self.bn(x)
        raise SystemExit(3)

    recording = record(Net(leave), (torch.zeros(SIZES),), ways=(way,))
    assert recording.how == "partial"
    assert recording.problems


def test_the_module_of_a_recording_can_be_printed_called_and_copied() -> None:
    model = norm_and_conv()
    module = record(model, (torch.zeros(SIZES),)).module
    assert "Conv2d" in str(module) and 'getattr(self, "1")' in str(module)
    given = torch.randn(SIZES)
    torch.testing.assert_close(module(input_0=given), model(given))
    assert module(given).shape == SIZES
    assert copy.deepcopy(module)(given).shape == SIZES
    assert "input_0" in module.code
    assert {id(parameter) for parameter in module.parameters()} == {
        id(parameter) for parameter in model.parameters()
    }
    with pytest.raises(TypeError, match="no input `x`: input_0"):
        module(given, x=given)
