"""What BN204 and BN205 claim of batches and dimensions is what torch does."""

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bnlint import pages
from bnlint.finding import Finding
from bnlint.lint import engine
from bnlint.pages import Example

CASES = Path(__file__).parent / "cases"


def bad(rule_id: str) -> list[Any]:
    """The Bad blocks that are read, not traced."""
    return list(_bad(rule_id))


def _bad(rule_id: str) -> Iterator[Any]:
    for path in (pages.DIRECTORY / f"{rule_id}.md", CASES / f"{rule_id}.md"):
        for example in pages.parse(path.read_text(encoding="utf-8")).of("Bad"):
            if example.trace is None:
                name = example.heading.replace(" ", "_") or f"line_{example.line}"
                yield pytest.param(example, id=f"{path.stem}-{name}")


def found(example: Example, rule_id: str) -> Finding:
    return next(f for f in engine.lint_text(example.code) if f.rule == rule_id)


def executed(example: Example, *, may_raise: bool = False) -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    scope: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.suppress(RuntimeError if may_raise else ()):
        exec(compile(example.code, "example", "exec"), scope)
    return scope


@pytest.mark.parametrize("example", bad("BN204"))
def test_one_value_raises_and_two_become_signs(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py"])
    finding = found(example, "BN204")
    quoted = re.search(r'torch raises "(.*)"', finding.message)
    if quoted is not None:
        with pytest.raises(ValueError, match=re.escape(quoted[1])):
            executed(example)
        return
    names = executed(example)
    assert finding.layer is not None
    first_device = next(iter(names["loader"]))[0][:2]
    model = getattr(names["net"], "module", names["net"])
    assert spread_of(model, finding.layer, first_device) < 0.02


def spread_of(net: Any, layer: str, inputs: Any) -> float:
    """How far normalised values are from -1 and +1, in the middle; eps is too small to matter."""
    norm = net.get_submodule(layer)
    seen: list[Any] = []
    norm.register_forward_pre_hook(lambda module, given: (given[0] * 1000,))
    norm.register_forward_hook(lambda module, given, output: seen.append((given[0], output)))
    net(inputs)
    given, output = seen[0]
    shape = [1, -1] + [1] * (output.dim() - 2)
    normalised = (output - norm.bias.view(shape)) / norm.weight.view(shape)
    assert given.numel() == 2 * norm.num_features
    return float((normalised.abs() - 1).abs().median())


@pytest.mark.parametrize("example", bad("BN205"))
def test_the_features_are_in_another_dimension(example: Example) -> None:
    torch = pytest.importorskip("torch")
    finding = found(example, "BN205")
    names = executed(example, may_raise=True)
    model = names["model"] if "model" in names else names["Net"](24)
    norm = model.get_submodule(finding.layer)
    shapes: list[Any] = []
    norm.register_forward_pre_hook(lambda module, given: shapes.append(given[0].shape))
    outcome = raised(model, names["x"] if "x" in names else input_for(model, torch))
    assert norm.num_features in shapes[0][2:]
    said = re.search(r'torch raises "(.*)"', finding.message)
    if said is not None or shapes[0][1] != norm.num_features:
        assert outcome is not None
        assert f"elements not {norm.num_features}" in outcome
        assert said is None or said[1] == outcome
    else:
        assert outcome is None
        assert "torch does not notice" in finding.message


def raised(model: Any, example: Any) -> str | None:
    try:
        model(example)
    except RuntimeError as error:
        return str(error)
    return None


def input_for(model: Any, torch: Any) -> Any:
    """Noise for the first layer."""
    for layer in model.modules():
        if hasattr(layer, "input_size"):
            return torch.randn(5, 7, layer.input_size)
        if hasattr(layer, "num_features"):
            return torch.randn(5, 7, layer.num_features)
        if hasattr(layer, "num_embeddings"):
            return torch.randint(layer.num_embeddings, (5, 7))
        if hasattr(layer, "in_channels"):
            sizes = (64,) if type(layer).__name__ == "Conv1d" else (16, 12)
            return torch.randn(5, layer.in_channels, *sizes)
    raise AssertionError("no layer tells what it takes")


def test_as_many_positions_as_features_are_normalised_for_each_position() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    scales = torch.linspace(1, 9, 6)
    normalised = torch.nn.BatchNorm1d(6)(torch.randn(50, 6, 6) * scales)
    assert torch.allclose(normalised.std((0, 2)), torch.ones(6), atol=0.01)
    assert normalised.std((0, 1)).max() > 5 * normalised.std((0, 1)).min()
