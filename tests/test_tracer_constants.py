"""Parameters of one number are known however they got it; constructors work without weights."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from bnlint.tracer.building.observed import FILLED, PLACES, watched  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
Change = Callable[[Any], object]


def built(make: Callable[[], nn.Module], *, meta: bool = True) -> Any:
    with watched(meta=meta):
        return make()


def changed(layer: Any, change: Change) -> Callable[[], Any]:
    def make() -> Any:
        made = layer()
        change(made)
        return made

    return make


# -- constants ------------------------------------------------------------------------------------


def new_data(layer: Any) -> None:
    layer.weight.data = torch.zeros(8)


def new_parameter(layer: Any) -> None:
    layer.weight = nn.Parameter(torch.full((8,), 0.25))


def assigned(layer: Any) -> None:
    layer.weight.data[:] = 0


def assigned_in_part(layer: Any) -> None:
    layer.weight.data[2] = 0


def scaled(layer: Any) -> None:
    layer.weight.data *= torch.rand(8)


FILLS: dict[str, tuple[Change, dict[str, float]]] = {
    "as torch leaves it": (lambda n: None, {"weight": 1, "bias": 0}),
    "zeros_": (lambda n: nn.init.zeros_(n.weight), {"weight": 0, "bias": 0}),
    "ones_": (lambda n: nn.init.ones_(n.bias), {"weight": 1, "bias": 1}),
    "constant_": (lambda n: nn.init.constant_(n.weight, 0.5), {"weight": 0.5, "bias": 0}),
    "constant_ by name": (lambda n: nn.init.constant_(n.bias, val=2), {"weight": 1, "bias": 2}),
    "fill_ of data": (lambda n: n.weight.data.fill_(0), {"weight": 0, "bias": 0}),
    "fill_ with a tensor": (
        lambda n: n.weight.data.fill_(torch.tensor(3.0)),
        {"weight": 3, "bias": 0},
    ),
    "zero_ of detached": (lambda n: n.weight.detach().zero_(), {"weight": 0, "bias": 0}),
    "new data": (new_data, {"weight": 0, "bias": 0}),
    "new parameter": (new_parameter, {"weight": 0.25, "bias": 0}),
    "slice": (assigned, {"weight": 0, "bias": 0}),
    "copy_ of zeros": (lambda n: n.weight.data.copy_(torch.zeros(8)), {"weight": 0, "bias": 0}),
    "copy_ of noise": (lambda n: n.weight.data.copy_(torch.randn(8)), {"bias": 0}),
    "normal_": (lambda n: nn.init.normal_(n.weight, 1.0, 0.02), {"bias": 0}),
    "normal_ of data": (lambda n: n.weight.data.normal_(1.0, 0.02), {"bias": 0}),
    "uniform_": (lambda n: nn.init.uniform_(n.weight), {"bias": 0}),
    "trunc_normal_": (lambda n: nn.init.trunc_normal_(n.weight), {"bias": 0}),
    "one element": (assigned_in_part, {"bias": 0}),
    "half of it": (lambda n: n.weight.data[:4].fill_(0), {"bias": 0}),
    "times": (scaled, {"bias": 0}),
}


@pytest.mark.parametrize("meta", [True, False], ids=["meta", "real"])
@pytest.mark.parametrize("name", FILLS)
def test_what_is_written_is_followed(name: str, meta: bool) -> None:
    change, expected = FILLS[name]
    layer = built(changed(lambda: nn.BatchNorm2d(8), change), meta=meta)
    assert layer.weight.is_meta is meta
    assert layer.__dict__[FILLED] == expected
    if not meta:  # the numbers are those that are there
        for parameter, number in expected.items():
            assert bool((getattr(layer, parameter) == number).all())


def test_products_are_looked_at_and_memory_that_nobody_wrote_to_is_not() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gamma = nn.Parameter(1e-6 * torch.ones(8))
            self.never_written = nn.Parameter(torch.empty(8))
            self.words = nn.Embedding(10, 3, padding_idx=0)

    model = built(Scale)
    assert model.__dict__[FILLED] == {"gamma": pytest.approx(1e-6)}
    assert model.words.__dict__[FILLED] == {}


def test_copies_have_numbers_of_their_own_and_the_place_of_the_original() -> None:
    def make() -> nn.Module:
        first = nn.BatchNorm2d(8)
        second = copy.deepcopy(first)
        nn.init.zeros_(second.weight)
        return nn.Sequential(first, second)

    first, second = built(make)
    assert (first.__dict__[FILLED]["weight"], second.__dict__[FILLED]["weight"]) == (1, 0)
    assert first.__dict__[PLACES] == second.__dict__[PLACES]


# -- constructors ---------------------------------------------------------------------------------


def mixed_with_data(layer: Any) -> None:
    layer.weight.data *= torch.full((3, 1), 2.0)
    layer.register_buffer("norm", layer.weight.detach() + torch.eye(3))


def initialised(layer: Any) -> None:
    for parameter in layer.parameters():
        (nn.init.xavier_uniform_ if parameter.dim() > 1 else nn.init.zeros_)(parameter)


AFTERWARDS: dict[str, Change] = {
    "cpu": lambda layer: layer.cpu(),
    "to the cpu": lambda layer: layer.to("cpu"),
    "to a device and type": lambda layer: layer.to(device=torch.device("cpu"), dtype=torch.float64),
    "cuda with a number": lambda layer: layer.cuda(1),
    "to cuda": lambda layer: layer.to("cuda:0", non_blocking=True),
    "half": lambda layer: layer.half().float(),
    "weight norm": lambda layer: nn.utils.weight_norm(layer),
    "spectral norm": lambda layer: nn.utils.parametrizations.spectral_norm(layer),
    "mixture": mixed_with_data,
    "initialised": initialised,
    "orthogonal": lambda layer: nn.init.orthogonal_(layer.weight),
    "state": lambda layer: layer.load_state_dict(layer.state_dict()),
    "apply": lambda layer: layer.apply(lambda module: None),
}


@pytest.mark.parametrize("meta", [True, False], ids=["meta", "real"])
@pytest.mark.parametrize("name", AFTERWARDS)
def test_what_constructors_do_to_layers_works(name: str, meta: bool) -> None:
    layer = built(changed(lambda: nn.Linear(3, 3), AFTERWARDS[name]), meta=meta)
    assert {parameter.is_meta for parameter in layer.parameters()} == {meta}


def test_one_parameter_registered_twice_stays_one() -> None:
    def tie(layers: Any) -> None:
        weight: Any = nn.Parameter(torch.ones(3, 3))
        weight.no_decay = True
        layers[0].weight = weight
        layers[1].weight = weight

    model = built(changed(lambda: nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)), tie))
    assert model[0].weight is model[1].weight
    assert model[0].weight.is_meta
    assert model[0].weight.no_decay


def test_frozen_parameters_stay_frozen() -> None:
    def freeze(layer: Any) -> None:
        layer.weight.requires_grad_(False)
        layer.register_parameter("scale", nn.Parameter(torch.ones(3), requires_grad=False))

    layer = built(changed(lambda: nn.Linear(3, 3), freeze))
    grads = {name: parameter.requires_grad for name, parameter in layer.named_parameters()}
    assert grads == {"weight": False, "bias": True, "scale": False}


def test_layers_that_learn_their_sizes_later_are_left_alone() -> None:
    model = built(lambda: nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d()))
    assert isinstance(model[0].weight, nn.UninitializedParameter)


def test_a_constructor_that_looks_into_parameters_needs_real_ones() -> None:
    def make() -> nn.Module:
        return nn.Dropout(float(nn.Linear(1, 1).weight.abs() > 9))

    with pytest.raises(RuntimeError, match="meta"):
        built(make)
    assert built(make, meta=False).p == 0
