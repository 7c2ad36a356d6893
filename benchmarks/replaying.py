"""Whether a recorded graph computes what its model computes, on real tensors."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from candidates import Candidate
from torch import Tensor, fx, nn
from torch.utils import _pytree
from zoo_models import build

from bnlint.tracer.record.inputs import example_inputs
from bnlint.tracer.record.trace_model import trace
from bnlint.tracer.record.ways import record

LARGEST = 60_000_000
"""Models with more parameters are left out."""
RELATIVE, ABSOLUTE = 1e-5, 1e-6
"""Tolerances of what is called close, the second as a share of the largest number."""
SEED = 20


@dataclass(frozen=True)
class Run:
    """One mode. ``detail`` says where the graph first differs from the model."""

    mode: str
    verdict: str
    detail: str = ""

    @property
    def equal(self) -> bool:
        """Whether the graph's output is the model's."""
        return self.verdict in ("equal", "close")


@dataclass(frozen=True)
class Replay:
    """One model in both modes."""

    parameters: int
    inputs: tuple[str, ...]
    runs: tuple[Run, ...]


class LeftOut(Exception):
    """The model says nothing about its recording."""


def replay(candidate: Candidate) -> Replay:
    """Build a model with its weights and run it and its recording, in eval and in train mode.

    Raises:
        LeftOut: the model is too large, cannot be traced or does not run itself.
    """
    shadow = build(candidate)
    parameters = sum(parameter.numel() for parameter in shadow.parameters())
    if parameters > LARGEST:
        raise LeftOut(f"{parameters / 1e6:.0f} M parameters")
    traced = trace(shadow, example_inputs(shadow))
    if traced.recording.problems:
        raise LeftOut(f"not traced: {traced.recording.problems[0]}")
    torch.manual_seed(SEED)
    model = build(candidate, meta=False)
    inputs = tuple(_noise(tensor) for tensor in traced.inputs.tensors)
    runs = tuple(_run(model, inputs, training) for training in (False, True))
    return Replay(parameters, traced.record.inputs, runs)


def _noise(like: Tensor) -> Tensor:
    if like.dtype.is_floating_point:
        return torch.randn(like.shape, dtype=like.dtype)
    return torch.zeros(like.shape, dtype=like.dtype)


def _run(model: nn.Module, inputs: tuple[Tensor, ...], training: bool) -> Run:
    mode = "train" if training else "eval"
    model.train(training)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def fresh(work: Callable[..., object]) -> list[Tensor]:
        """The outputs from the same state, the same seed and the same inputs."""
        model.load_state_dict(state)
        torch.manual_seed(SEED)
        with torch.no_grad():
            return _tensors(work(*(tensor.clone() for tensor in inputs)))

    try:
        expected = fresh(model)
    except Exception as error:
        return Run(mode, "the model does not run", f"{type(error).__name__}: {error}"[:300])
    recording = record(model, inputs, training=training)
    if recording.problems:
        return Run(mode, "not recorded", recording.problems[0])
    try:
        found = fresh(lambda *given: fx.Interpreter(recording.module).run(*given))
    except Exception as error:
        return Run(mode, "the graph does not run", f"{type(error).__name__}: {error}"[:600])
    verdict = _compared(expected, found)
    if verdict in ("equal", "close"):
        return Run(mode, verdict)
    if _compared(expected, fresh(model)) not in ("equal", "close"):
        return Run(mode, "the model differs from itself")
    return Run(mode, verdict, _first_difference(model, recording.module, fresh))


def _tensors(output: object) -> list[Tensor]:
    return [leaf.clone() for leaf in _pytree.tree_leaves(output) if isinstance(leaf, Tensor)]


def _compared(expected: list[Tensor], found: list[Tensor]) -> str:
    if [t.shape for t in expected] != [t.shape for t in found]:
        return "other shapes"
    if not expected:
        return "no output"
    pairs = list(zip(expected, found, strict=True))
    if all(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) for a, b in pairs):
        return "equal"
    return "close" if all(_close(a, b) for a, b in pairs) else "different"


def _close(left: Tensor, right: Tensor) -> bool:
    scale = float(left.abs().max()) if left.numel() else 0.0
    return torch.allclose(left, right, RELATIVE, ABSOLUTE * scale, equal_nan=True)


class _Noting(fx.Interpreter):
    """Remembers what each layer gives, in order."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.noted: list[tuple[str, Tensor, fx.Node]] = []

    def run_node(self, node: fx.Node) -> Any:
        """Run it, and remember its output if it is a layer."""
        result = super().run_node(node)
        if node.op == "call_module" and isinstance(result, Tensor):
            self.noted.append((str(node.target), result.clone(), node))
        return result


def _first_difference(
    model: nn.Module, module: fx.GraphModule, fresh: Callable[[Callable[..., object]], object]
) -> str:
    """The first layer whose output differs from what it is within the model."""
    noting = _Noting(module)
    fresh(noting.run)
    leaves = {name for name, _, _ in noting.noted}
    seen: list[tuple[str, Tensor]] = []

    def note(name: str, output: object) -> None:
        if isinstance(output, Tensor):
            seen.append((name, output.clone()))

    hooks = list(_hooks(model, leaves, note))
    with suppress(Exception):
        fresh(model)
    for hook in hooks:
        hook.remove()
    for (name, expected), (at, found, node) in zip(seen, noting.noted, strict=False):
        if name != at:
            return f"calls `{at}` where the model calls `{name}`"
        if _compared([expected], [found]) not in ("equal", "close"):
            return f"first differing layer `{at}` (node {node.name}, {node.meta.get('place')})"
    return f"after the last layer `{seen[-1][0]}`" if seen else "no layer is called"


def _hooks(model: nn.Module, names: set[str], note: Callable[[str, object], None]) -> Iterator[Any]:
    for name in names:
        layer = model.get_submodule(name)
        yield layer.register_forward_hook(lambda _m, _i, output, n=name: note(n, output))
