"""What models are fed with when nobody says: guesses, likeliest first."""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from bnlint.tracer.record.inputs import example_inputs  # noqa: E402
from bnlint.tracer.record.trace_model import trace  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Parts(nn.Module):
    """Layers in the order of registration and what a forward does with them."""

    def __init__(self, do: Callable[..., Any], *layers: nn.Module, **attributes: object) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.do = do
        vars(self).update(attributes)

    def forward(self, x: Tensor) -> Any:
        return self.do(self.layers, x)


class Two(Parts):
    def forward(self, x: Tensor, y: Tensor) -> Any:  # type: ignore[override]
        return self.do(self.layers, x, y)


def first(layers: Any, x: Tensor) -> Any:
    return layers[0](x)


def last(layers: Any, x: Tensor) -> Any:
    return layers[-1](x)


def fixed(width: int) -> Callable[..., Any]:
    """A forward that takes images of one size only."""
    return lambda layers, x: layers[1](layers[0](x).reshape(x.shape[0], width))


MODELS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "conv": (lambda: nn.Conv2d(5, 4, 3), "2x5x224x224"),
    "1-D conv": (lambda: nn.Conv1d(5, 4, 3), "2x5x200"),
    "3-D conv": (lambda: nn.Conv3d(5, 4, 3), "2x5x16x112x112"),
    "transposed": (lambda: nn.ConvTranspose2d(7, 4, 3), "2x7x1x1"),
    "linear": (lambda: nn.Sequential(nn.Linear(9, 4), nn.BatchNorm1d(4)), "2x9"),
    "embedding": (lambda: nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2)), "2x16:int64"),
    "lstm": (lambda: nn.LSTM(6, 4), "16x2x6"),
    "lstm, batch first": (lambda: nn.LSTM(6, 4, batch_first=True), "2x16x6"),
    "norm 1-D": (lambda: nn.BatchNorm1d(6), "2x6"),
    "norm 2-D": (lambda: nn.BatchNorm2d(6), "2x6x224x224"),
    "norm 3-D": (lambda: nn.BatchNorm3d(6), "2x6x16x112x112"),
    "nothing": (lambda: nn.ReLU(), "2x3x224x224"),
    "fixed size": (
        lambda: Parts(fixed(8 * 900), nn.Conv2d(3, 8, 3), nn.Linear(7200, 2)),
        "2x3x32x32",
    ),
    "digits": (lambda: Parts(fixed(8 * 676), nn.Conv2d(1, 8, 3), nn.Linear(5408, 2)), "2x1x28x28"),
    "head first": (lambda: Parts(last, nn.Linear(12, 4), nn.Conv2d(3, 8, 3)), "2x3x224x224"),
    "head first, embedding": (
        lambda: Parts(last, nn.Linear(2, 4), nn.Embedding(9, 2)),
        "2x16:int64",
    ),
    "image size": (lambda: Parts(first, nn.Conv2d(3, 8, 3), img_size=48), "2x3x48x48"),
    "image sizes": (lambda: Parts(first, nn.Conv2d(3, 8, 3), in_size=(40, 60)), "2x3x40x60"),
    "configuration": (
        lambda: Parts(first, nn.Conv2d(3, 8, 3), default_cfg={"input_size": (3, 72, 72)}),
        "2x3x72x72",
    ),
    "size of a part": (
        lambda: nn.Sequential(Parts(first, nn.Conv2d(3, 8, 3), image_size=56)),
        "2x3x56x56",
    ),
    "odd size": (lambda: Parts(first, nn.Conv2d(3, 8, 3), img_size="large"), "2x3x224x224"),
    "needs values": (
        lambda: Parts(lambda layers, x: layers[0](x) * x.max().item(), nn.Conv2d(3, 8, 3)),
        "2x3x224x224",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_guesses_fit(name: str) -> None:
    build, words = MODELS[name]
    with torch.device("meta"):
        model = build()
    record = trace(model, example_inputs(model)).record
    assert (record.inputs, record.guessed, record.problems) == ((words,), True, ())
    assert record.how == ("cpu" if name == "needs values" else "meta")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Two(lambda layers, x, y: layers[0](x) + layers[0](y), nn.Conv2d(3, 4, 1)), "2x3x224x224"),
        (
            Two(
                lambda layers, x, y: layers[0](x).mean((2, 3)) + layers[1](y),
                nn.Conv2d(3, 4, 1),
                nn.Embedding(10, 4),
            ),
            "2:int64",
        ),
    ],
    ids=["images", "labels"],
)
def test_several_inputs(model: nn.Module, words: str) -> None:
    assert trace(model, example_inputs(model)).record.inputs == ("2x3x224x224", words)


def pairs(layers: Any, x: Tensor, y: Tensor) -> Any:
    return layers[0](torch.cat([x, y], 1))


def test_the_first_convolution_may_take_several_inputs_at_once() -> None:
    model = Two(pairs, nn.Conv2d(6, 4, 1))
    assert trace(model, example_inputs(model)).record.inputs == ("2x3x224x224", "2x3x224x224")


def test_models_that_keep_the_size_of_an_image_with_its_channels_take_that() -> None:
    model = Parts(
        lambda layers, x: layers[0](x.flatten(2)),
        nn.Linear(24 * 24, 4),
        default_cfg={"input_size": (3, 24, 24)},
    )
    assert trace(model, example_inputs(model)).record.inputs == ("2x3x24x24",)


def test_sizes_that_are_given_are_taken() -> None:
    model = nn.Conv2d(3, 4, 1)
    sizes = [((1, 3, 5, 5), "float32"), ((4,), "int64")]
    (inputs,) = example_inputs(model, sizes)
    assert (inputs.sizes, inputs.guessed) == (("1x3x5x5", "4:int64"), False)
    assert [tensor.device.type for tensor in inputs.tensors] == ["meta", "meta"]
    assert [next(example_inputs(model, batch=7)).sizes] == [("7x3x224x224",)]


def test_sizes_that_do_not_fit_are_a_problem() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    record = trace(model, example_inputs(model, [((2, 5, 8, 8), "float32")])).record
    assert record.how == "symbolic"
    assert record.problems[0].startswith("`0` ")


def test_unknown_types_are_refused() -> None:
    with pytest.raises(ValueError, match="`float33` is no type of torch"):
        next(example_inputs(nn.ReLU(), [((1,), "float33")]))


def test_models_are_guessed_once_per_size() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Linear(3, 4))
    sizes = [inputs.sizes for inputs in example_inputs(model)]
    assert len(sizes) == len(set(sizes))
