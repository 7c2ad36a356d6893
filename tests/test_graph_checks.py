"""What the pages of the graph rules claim is what torch does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bnlint import pages
from bnlint.finding import Finding
from bnlint.lint import engine
from bnlint.pages import Example

CASES = Path(__file__).parent / "cases"
SIZES = {"1d": (9,), "2d": (9, 9), "3d": (9, 9, 9)}
INPUTS = {
    "ChannelsLast": (8, 5, 7, 16),
    "Persons": (4, 2, 3, 9, 9),
    "PositionsFirst": (32, 5, 16),
    "Tokens": (8, 9, 16),
    "Video": (4, 3, 3, 9, 9),
}
"""What models take whose first layer does not tell, by class."""

DEAD_ALL_THE_SAME = {
    "a bias that is put back by hand, in layers without a bias with and without a norm",
    "a dropout that an option switches on",
    "flattened channels and positions",
    "one call builds layers with and without a norm",
    "one caller leaves the norm out",
    "other normalisations",
    "published weights, in the function that builds the model and in the script",
    "the bias is switched off by hand",
    "the bias is switched off by its name",
    "the output of the model itself",
}
"""Silent examples of BN201 whose biases are dead in some cases, or by another layer.

Or which cannot be run, since they fetch weights or read the command line.
"""

NO_RESIDUAL_BLOCKS = {
    "sums of two paths that both learn",
    "a gated feature and the shift of an attention module",
    "a feature pyramid of projected levels",
    "an hourglass of sums, none of which stands on another",
    "scaled sums",
}
"""Silent examples of BN801 that take other inputs, or grow, but by no residual additions or little."""


def examples(rule_id: str, section: str) -> list[Any]:
    """The blocks that build ``model``."""
    return list(_examples(rule_id, section))


def _examples(rule_id: str, section: str) -> Iterator[Any]:
    for path in (pages.DIRECTORY / f"{rule_id}.md", CASES / f"{rule_id}.md"):
        page = pages.parse(path.read_text(encoding="utf-8"))
        for example in page.of(section):
            if "\nmodel = " in example.code:
                name = example.heading.replace(" ", "_") or f"line_{example.line}"
                yield pytest.param(example, id=f"{path.stem}-{name}")


def built(example: Example) -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example.code, "example", "exec"), names)
    return names["model"].double()


def fed(model: Any) -> Any:
    """The output of a forward in train mode on noise whose shape the first layer tells."""
    torch = pytest.importorskip("torch")
    count = model.forward.__code__.co_argcount - 1 if hasattr(model.forward, "__code__") else 1
    return model(*[torch.randn(shape_for(model)).double() for _ in range(count)])


def shape_for(model: Any) -> tuple[int, ...]:
    if type(model).__name__ in INPUTS:
        return INPUTS[type(model).__name__]
    for layer in model.modules():
        kind = type(layer).__name__
        if hasattr(layer, "in_channels"):
            return (8, layer.in_channels, *SIZES[kind[-2:] if kind[-2:] in SIZES else "2d"])
        if hasattr(layer, "in_features"):
            return (8, layer.in_features)
        if hasattr(layer, "num_features"):
            return (8, layer.num_features, 9, 9)
    raise AssertionError("no layer with weights")


def findings(example: Example, rule_id: str) -> list[Any]:
    return [f for f in engine.lint_text(example.code) if f.rule == rule_id]


def reported(example: Example, rule_id: str) -> list[Finding]:
    found = [f for f in engine.lint_text(example.code) if f.rule == rule_id]
    assert [f.span.line for f in found] == [line for line, _ in example.expected]
    return found


def is_weighted(layer: Any) -> bool:
    return getattr(layer, "bias", None) is not None and layer.weight.dim() > 1


@pytest.mark.parametrize("example", examples("BN201", "Bad"))
def test_a_reported_bias_gets_no_gradient(example: Example) -> None:
    model = built(example)
    fed(model).tanh().pow(2).sum().backward()
    for finding in reported(example, "BN201"):
        layer = model.get_submodule(finding.layer)
        assert layer.bias.grad.abs().max() < 1e-9 * layer.weight.grad.abs().max()


@pytest.mark.parametrize("example", examples("BN201", "Good"))
def test_other_biases_get_one(example: Example) -> None:
    if example.heading in DEAD_ALL_THE_SAME:
        return
    model = built(example)
    output = fed(model)
    outputs = output if isinstance(output, tuple) else (output,)
    sum(tensor.tanh().pow(2).sum() for tensor in outputs).backward()
    for layer in filter(is_weighted, model.modules()):
        assert layer.bias.grad.abs().max() > 1e-4 * layer.weight.grad.abs().max(), layer


@pytest.mark.parametrize("example", examples("BN202", "Bad") + examples("BN203", "Bad"))
def test_torch_raises_what_the_message_quotes(example: Example) -> None:
    model = built(example)
    quoted = reported(example, example.expected[0][1])[0].message.split('"')[1]
    with pytest.raises((ValueError, RuntimeError)) as caught:
        fed(model)
    assert str(caught.value) == quoted


@pytest.mark.parametrize("example", examples("BN206", "Bad"))
def test_a_reported_norm_is_updated_more_than_once(example: Example) -> None:
    model = built(example)
    fed(model)
    for finding in reported(example, "BN206"):
        assert model.get_submodule(finding.layer).num_batches_tracked > 1


@pytest.mark.parametrize("example", examples("BN206", "Bad"))
def test_a_mixture_is_spoken_of_only_where_the_tensors_differ(example: Example) -> None:
    twice = example.heading == "the same tensor twice"
    for finding in reported(example, "BN206"):
        assert ("on the same tensor" in finding.message) is twice
        assert ("a mixture" in finding.message) is not twice


@pytest.mark.parametrize("example", examples("BN801", "Bad"))
def test_reported_stacks_explode_with_the_weights_that_they_begin_with(example: Example) -> None:
    model = built(example)
    assert len(reported(example, "BN801")) == 1
    assert fed(model).square().mean() > 10


@pytest.mark.parametrize("example", examples("BN801", "Good"))
def test_silent_stacks_do_not(example: Example) -> None:
    if "mylib" in example.code or example.heading in NO_RESIDUAL_BLOCKS:
        return
    assert fed(built(example)).square().mean() < 100
