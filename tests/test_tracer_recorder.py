"""What one forward of a model writes down: every operation, with its place, and it can be run."""

import linecache
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, fx, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

from bnlint.tracer.record.ways import Recording, record  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

Forward = Callable[[Any, Tensor], Any]
SIZES = (4, 3, 8, 8)
Pair = namedtuple("Pair", "first second")


class Net(nn.Module):
    """A convolution, its BatchNorm and whatever a case does with them."""

    def __init__(self, do: Forward) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(3)
        self.do = do

    def forward(self, x: Tensor) -> Any:
        return self.do(self, x)


@dataclass
class Result:
    logits: Tensor
    count: int


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * 2


@torch.jit.script
def scripted(x: Tensor, y: Tensor) -> Tensor:
    return torch.relu(x) + y


class OwnNorm(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, self.training, 0.1
        )


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.gate = torch.full((3, 1, 1), 0.5)
        self.scales = [torch.ones(3, 1, 1), torch.ones(3, 1, 1)]

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.gate * self.scales[1]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        out, (hidden, _) = self.lstm(x.mean(1))
        return out[:, -1] + hidden[-1]


class Looped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(3))
        self.named = nn.ModuleDict({"a": nn.Conv2d(3, 3, 1)})

    def forward(self, x: Tensor) -> Tensor:
        for norm in self.norms:
            x = x + norm(self.named["a"](x))
        return x


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 3, 1)
        self.other = self.one
        self.tied = nn.Conv2d(3, 3, 1)
        self.tied.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.tied(self.other(self.one(x)))


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.encoder(x.mean(1))
        return x + self.attention(x, x, x)[0]


class Parametrised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 1))
        self.b = nn.utils.weight_norm(nn.Conv2d(3, 3, 1))
        self.c = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 3, 1))
        self.d = nn.utils.spectral_norm(nn.Conv2d(3, 3, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.d(self.c(self.b(self.a(x))))


class Scripted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = torch.jit.script(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).relu()


class OwnBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = Net(lambda self, x: F.relu_(self.bn(self.conv(x))) + x)
        self.norm = OwnNorm(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.block(x))


def add_in_place(self: Net, x: Tensor) -> Tensor:
    y = self.bn(self.conv(x))
    y += x
    return y


def add_method(self: Net, x: Tensor) -> Tensor:
    y = self.bn(x)
    y.add_(x, alpha=2)
    return y


def add_to_view(self: Net, x: Tensor) -> Tensor:
    y = self.bn(x)
    y[:, 0] += x[:, 1]
    return self.conv(y)


def zero_channel(self: Net, x: Tensor) -> Tensor:
    y = self.conv(x)
    y[:, 0] = 0
    return self.bn(y)


def relu_of_view(self: Net, x: Tensor) -> Tensor:
    y = self.bn(x)
    view = y.view(4, -1)
    view.relu_()
    return y + x


def old_view(self: Net, x: Tensor) -> Tensor:
    y = self.bn(x)
    view = y[:, :1]
    y.mul_(3)
    return view + x


def made_within(self: Net, x: Tensor) -> Tensor:
    mask = torch.zeros(3, 1, 1, device=x.device)
    mask[0] = 1
    steps = torch.arange(8, device=x.device).float()
    return self.bn(x * mask + steps + x.new_zeros(4, 3, 1, 1) + torch.ones_like(x))


def plain_cpu(self: Net, x: Tensor) -> Tensor:
    return self.bn(x) + torch.linspace(0, 1, 8) + torch.tensor([1.0])


def to_cuda(self: Net, x: Tensor) -> Tensor:
    y = x.cuda() + torch.zeros(1, device="cuda") + torch.ones(1).to("cuda")
    return self.bn(y.to(torch.device("cuda:0"))) + torch.cuda.FloatTensor(1).fill_(0)


def no_grad_block(self: Net, x: Tensor) -> Tensor:
    with torch.no_grad():
        mean = self.bn(x)
    return self.conv(x) + mean


def pooled(self: Net, x: Tensor) -> Tensor:
    y, where = F.max_pool2d(self.bn(x), 2, return_indices=True)
    return F.max_unpool2d(y, where, 2) + x


def chunks(self: Net, x: Tensor) -> Tensor:
    a, b = self.bn(x).chunk(2, 2)
    c, d = torch.split(x, 4, 3)
    return torch.cat([a, b], 2) + torch.stack(x.unbind(1), 1) + torch.cat((c, d), dim=3)


def as_data(self: Net, x: Tensor) -> Tensor:
    y = self.bn(x)
    y.data.mul_(2)
    return y.T.T + self.bn.weight.view(1, -1, 1, 1)


def statistics(self: Net, x: Tensor) -> Tensor:
    self.bn.running_mean.mul_(0.5)
    return x - self.bn.running_mean.view(-1, 1, 1) + self.bn(x)


CASES: dict[str, Forward] = {
    "plus": lambda self, x: self.bn(self.conv(x)) + x,
    "in-place plus": add_in_place,
    "torch.add": lambda self, x: torch.add(self.bn(x), x, alpha=0.5),
    "add_": add_method,
    "sum of list": lambda self, x: sum([self.bn(x), x]),
    "sum of stack": lambda self, x: torch.stack([self.bn(x), x]).sum(0),
    "in-place relu": lambda self, x: F.relu(self.bn(x), inplace=True) + x,
    "assignment": zero_channel,
    "addition to a part": add_to_view,
    "relu of a view": relu_of_view,
    "change under a view": old_view,
    "parts": chunks,
    "pooling with indices": pooled,
    "dict": lambda self, x: {"out": self.bn(x), "in": [x, (x + 1,)]},
    "namedtuple": lambda self, x: Pair(self.bn(x), x + 1),
    "dataclass": lambda self, x: Result(self.bn(x), 3),
    "forward called": lambda self, x: self.bn.forward(self.conv.forward(x)),
    "checkpoint": lambda self, x: checkpoint(self.bn, self.conv(x), use_reentrant=False) + x,
    "reentrant checkpoint": lambda self, x: checkpoint(self.bn, x, use_reentrant=True) + x,
    "no_grad": no_grad_block,
    "scripted function": lambda self, x: scripted(self.bn(x), x),
    "autograd function": lambda self, x: Doubled.apply(self.bn(x)) + x,
    "made within": made_within,
    "data": as_data,
    "buffer": statistics,
    "branch on sizes": lambda self, x: self.bn(x) if x.shape[1] == 3 else x,
    "isinstance": lambda self, x: self.bn(x) if isinstance(x, Tensor) else x,
    "called twice": lambda self, x: self.bn(self.bn(x)),
    "keywords": lambda self, x: F.relu(input=self.bn(input=x)),
    "dropout": lambda self, x: F.dropout(self.bn(x), 0.5, self.training),
    "random": lambda self, x: self.bn(x) + torch.randn_like(x),
    "einsum": lambda self, x: torch.einsum(
        "nchw,cd->ndhw", self.bn(x), self.conv.weight[:, :, 0, 0]
    ),
    "interpolate": lambda self, x: F.interpolate(self.bn(x), size=x.shape[2:], mode="bilinear"),
    "reshape": lambda self, x: self.bn(x.reshape(x.size(0), -1).view(x.size())),
    "cuda": to_cuda,
    "tensors elsewhere": plain_cpu,
    "where": lambda self, x: torch.where(x > 0, self.bn(x), x.max()),
    "ellipsis and none": lambda self, x: self.bn(x)[..., None][:, :, 1:3],
}
MODULES: dict[str, Callable[[], nn.Module]] = {
    "attribute": Gated,
    "lstm": Recurrent,
    "loop": Looped,
    "shared": Shared,
    "attention": Attending,
    "parametrised": Parametrised,
    "own forward": OwnBlock,
    "scripted module": Scripted,
    "data parallel": lambda: nn.DataParallel(Net(CASES["plus"])),
    "sequential": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True)),
}
ALL: dict[str, Callable[[], nn.Module]] = {n: partial(Net, do) for n, do in CASES.items()} | MODULES


MAY_NEED_VALUES = ("tensors elsewhere", "scripted module")


def recorded(model: nn.Module, *, training: bool = True) -> Recording:
    return record(model, (torch.randn(SIZES),), training=training)


def nodes(recording: Recording, name: str) -> list[fx.Node]:
    def name_of(node: fx.Node) -> str:
        return str(getattr(node.target, "__name__", node.target))

    return [node for node in recording.module.graph.nodes if name_of(node) == name]


def leaves(value: Any) -> list[Tensor]:
    if isinstance(value, Result):
        value = [value.logits]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if isinstance(value, Tensor) else []


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ALL)
def test_the_graph_runs_like_the_model(name: str, training: bool) -> None:
    torch.manual_seed(3)
    model = ALL[name]().train(training)
    recording = recorded(model, training=training)
    ways = ("meta", "cpu") if name in MAY_NEED_VALUES else ("meta",)
    assert recording.how in ways and not recording.problems, recording.problems
    state = {key: value.clone() for key, value in model.state_dict().items()}
    given = torch.randn(SIZES)

    torch.manual_seed(5)
    ours = leaves(fx.Interpreter(recording.module).run(given.clone()))
    ours_state = {key: value.clone() for key, value in model.state_dict().items()}
    model.load_state_dict(state)
    if name == "cuda":
        return
    torch.manual_seed(5)
    eager = leaves(model(given.clone()))
    assert ours and len(ours) == len(eager)
    for mine, expected in zip(ours, eager, strict=True):
        torch.testing.assert_close(mine, expected)
    for key, value in model.state_dict().items():
        torch.testing.assert_close(ours_state[key], value, msg=key)


def source(place: Any) -> str:
    assert place.line == place.end_line
    return linecache.getline(place.file, place.line)[place.column : place.end_column]


def test_calls_stand_where_they_are_in_the_code() -> None:
    recording = recorded(OwnBlock())
    (convolution,) = nodes(recording, "block.conv")
    assert source(convolution.meta["place"]) == "self.conv(x)"
    assert convolution.meta["modules"] == ("", "block")
    assert [source(place) for place in convolution.meta["callers"][:2]] == [
        "self.do(self, x)",
        "self.block(x)",
    ]
    assert len(convolution.meta["callers"]) <= 6
    (relu,) = nodes(recording, "relu_")
    assert source(relu.meta["place"]) == "F.relu_(self.bn(self.conv(x)))"
    assert (relu.meta["in_place"], relu.meta["sizes"]) == (True, SIZES)


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("plus", "add"),
        ("in-place plus", "add_"),
        ("torch.add", "add"),
        ("add_", "add_"),
        ("sum of list", "add"),
        ("sum of stack", "sum"),
    ],
)
def test_residual_additions_read_both_sides(name: str, operation: str) -> None:
    recording = recorded(ALL[name]())
    node = nodes(recording, operation)[-1]
    reached, pending = set(), [node]
    while pending:
        reached.add(str((latest := pending.pop()).target))
        pending += latest.all_input_nodes
    assert {"bn", "input_0"} <= reached
    assert node.meta["in_place"] == (name in ("in-place plus", "add_"))


@pytest.mark.parametrize(
    ("name", "function", "owner"),
    [
        ("own forward", "batch_norm", "norm"),
        ("forward called", "batch_norm", "bn"),
        ("forward called", "conv2d", "conv"),
        ("shared", "one", "one"),
        ("shared", "tied", "tied"),
        ("loop", "norms.2", "norms.2"),
        ("attention", "encoder", "encoder"),
        ("data parallel", "module.bn", "module.bn"),
        ("checkpoint", "bn", "bn"),
        ("reentrant checkpoint", "bn", "bn"),
        ("no_grad", "bn", "bn"),
    ],
)
def test_calls_belong_to_their_layer(name: str, function: str, owner: str) -> None:
    found = nodes(recorded(ALL[name]()), function)
    assert {node.meta["owner"] for node in found} == {owner}


def test_layers_called_twice_are_two_calls() -> None:
    assert len(nodes(recorded(Net(CASES["called twice"])), "bn")) == 2
    assert len(nodes(recorded(Shared()), "one")) == 2


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("assignment", "__setitem__"),
        ("relu of a view", "relu_"),
        ("change under a view", "mul_"),
        ("addition to a part", "__setitem__"),
    ],
)
def test_tensors_changed_through_another_name_depend_on_the_change(name: str, writer: str) -> None:
    recording = recorded(ALL[name]())
    updates = nodes(recording, "alias_update")
    assert any(nodes(recording, writer)[-1] in update.args for update in updates)


@pytest.mark.parametrize("name", ["attribute"])
def test_tensors_from_outside_are_constants(name: str) -> None:
    graph = recorded(ALL[name]()).module.graph
    outside = [node for node in graph.nodes if node.meta.get("constant")]
    assert [node.meta["sizes"] for node in outside] == [(3, 1, 1), (3, 1, 1)]


def test_operations_that_give_back_their_input_pass_it() -> None:
    recording = recorded(Net(lambda self, x: self.bn(x.contiguous())))
    assert [node.meta["passes"] for node in nodes(recording, "contiguous")] == [True]
    assert nodes(recording, "bn")[0].args[0].op == "placeholder"


class Doubling(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


def hooked() -> nn.Module:
    norm = nn.BatchNorm2d(3)
    norm.register_forward_hook(lambda *_: None)
    return norm


WRONG = {
    "one value": ((1, 3, 1, 1), "Expected more than 1 value per channel"),
    "channels": ((4, 5, 2, 2), "running_mean should contain 5 elements not 3"),
    "rank": ((4, 3), "expected 4D input (got 2D input)"),
}
NORMS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.BatchNorm2d(3),
    "hooked": hooked,
    "subclass": lambda: Doubling(3),
    "own forward": lambda: OwnNorm(3),
}


@pytest.mark.parametrize("needs_values", [False, True])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_batch_norm_raises_is_noted(wrong: str, norm: str, needs_values: bool) -> None:
    if (wrong, norm) == ("rank", "own forward"):
        pytest.skip("checks no rank")

    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = NORMS[norm]()

        def forward(self, x: Tensor) -> Tensor:
            if needs_values:
                x.sum().item()
            return self.norm(x).relu()

    sizes, message = WRONG[wrong]
    recording = record(Wrong(), (torch.zeros(sizes),))
    assert (recording.how, recording.problems) == ("cpu" if needs_values else "meta", ())
    errors = [node for node in recording.module.graph.nodes if "error" in node.meta]
    assert len(errors) == 1 and message in errors[0].meta["error"]
    assert errors[0].meta["owner"] == "norm" and errors[0].meta["sizes"] == sizes
    assert nodes(recording, "relu")


def test_batch_norm_of_one_value_per_channel_works_in_eval_mode() -> None:
    recording = record(nn.BatchNorm1d(3), (torch.zeros(1, 3),), training=False)
    assert not any("error" in node.meta for node in recording.module.graph.nodes)


def test_keyword_inputs_become_placeholders() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, *, skip: Tensor) -> Tensor:
            return x + skip

    given = torch.ones(2, 3)
    recording = record(Two(), (given,), {"skip": given * 2})
    assert [node.op for node in recording.module.graph.nodes][:2] == ["placeholder"] * 2
    assert fx.Interpreter(recording.module).run(given, given * 2).tolist() == [[3.0] * 3] * 2


def sizes_of(model: nn.Module) -> list[Any]:
    """The shapes that the layers of a model give."""
    nodes = record(model, (torch.randn(SIZES),)).module.graph.nodes
    return [node.meta["sizes"] for node in nodes if node.op == "call_module"]


def test_hooks_of_a_layer_whose_shape_a_formula_tells_are_run() -> None:
    conv = nn.Conv2d(3, 8, 1)
    assert sizes_of(nn.Sequential(conv)) == [(4, 8, 8, 8)]
    conv.register_forward_hook(lambda layer, given, output: output[:, :5])
    assert sizes_of(nn.Sequential(conv, nn.ReLU()))[-1] == (4, 5, 8, 8)


def test_a_padding_that_torch_refuses_is_told() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=9, padding_mode="reflect"))
    assert "Padding size" in record(model, (torch.randn(SIZES),)).failures[0]


@pytest.mark.parametrize("training", [True, False])
def test_scripted_layers_are_in_the_mode_of_the_recording(training: bool) -> None:
    seen: list[bool] = []
    model = nn.Sequential(torch.jit.script(nn.Sequential(nn.BatchNorm2d(3))), nn.ReLU())
    model[1].register_forward_pre_hook(lambda *_: seen.append(model[0].training))
    before = model[0].training
    record(model, (torch.randn(SIZES),), training=training)
    assert set(seen) == {training}
    assert model[0].training is before
