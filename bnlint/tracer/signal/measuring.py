"""Measure how the signal of a model propagates: run its recorded graph on real tensors."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.signal import Signal
from bnlint.tracer.record.ways import Recording
from bnlint.tracer.signal.blocks import Measured, blocks_of
from bnlint.tracer.signal.channel_layout import Layout
from bnlint.tracer.signal.channel_moments import moments
from bnlint.tracer.signal.residuals import Addition, GraphFlow

SEED = 0
"""Of the noise that models are fed with, and of the random numbers that they draw themselves."""


def noise(sizes: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """Gaussian noise of mean 0 and variance 1, always the same for the same arguments.

    Integers, which name things, are 0.
    """
    if not dtype.is_floating_point:
        return torch.zeros(tuple(sizes), dtype=dtype)
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(tuple(sizes), generator=generator).to(dtype)


def measure(model: nn.Module, inputs: Sequence[object], recording: Recording) -> Signal:
    """Run the recorded graph of ``model`` once, in train mode, and measure each residual addition.

    Tensors among ``inputs`` that hold no data (on the meta device) are replaced by noise. The
    result is the same in each run, and the model comes back as it was. Where an operation of the
    graph fails, the blocks before it are given. Raises ``ValueError`` where the model itself holds
    no data.
    """
    empty = [name for name, parameter in model.named_parameters() if parameter.is_meta]
    if empty:
        raise ValueError(f"`{empty[0]}` is on the meta device; the signal needs real weights")
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    fed = [_own(value, device) for value in inputs]
    flow = GraphFlow(recording.module)
    additions = flow.additions()
    meter = _Meter(flow, additions)
    with _in_train_mode(model, recording.module), torch.no_grad():
        stopped = meter.run_through(fed)
    problems = recording.problems or tuple(stopped)  # what cannot be recorded cannot be run, either
    shapes = tuple(_shape(value) for value in fed if isinstance(value, Tensor))
    blocks, free = blocks_of(flow, additions, meter.measured, meter.kept)
    return Signal(type(model).__name__, shapes, blocks, free, problems)


class _Meter(fx.Interpreter):
    """Runs a graph and measures the additions in it.

    ``kept`` is what each average pooling leaves of the variance, which depends on its input alone: of
    noise one part in the number of values that it averages. Those to a single value, as in squeeze
    and excite, are left out. Operands are measured before the addition runs, since it may overwrite one of them.
    """

    def __init__(self, flow: GraphFlow, additions: Iterable[Addition]) -> None:
        super().__init__(flow.module)
        self.measured: list[Measured] = []
        self.kept: dict[fx.Node, float] = {}
        self._additions = {addition.add: addition for addition in additions}
        self._layout = Layout(flow)

    def run_through(self, inputs: Sequence[object]) -> list[str]:
        """Run the graph; return what stopped it."""
        try:
            self.run(*inputs)
        except Exception as error:  # whatever the model's operations raise
            reason, *_ = [*str(error).strip().splitlines(), ""]
            return [f"the measurement stopped: {type(error).__name__}: {reason}"]
        return []

    def run_node(self, n: fx.Node) -> Any:
        """Run one node, and measure it if it is a residual addition."""
        addition = self._additions.get(n)
        if addition is None:
            result = super().run_node(n)
            if n.op != "output":
                self._layout.add(n, _sizes(result))
            if self._layout.flow.kinds.get(n) is Kind.AVG_POOL and result[0, 0].numel() > 1:
                before = moments(self.env[n.all_input_nodes[0]], 1).variance
                self.kept[n] = moments(result, 1).variance / before if before else 1.0
            return result
        operands = (addition.branch, addition.skip)
        dimension = self._layout.among(operands)
        dimension = 1 if dimension is None else dimension
        branch, skip = (moments(self.env[operand], dimension) for operand in operands)
        result = super().run_node(n)
        self._layout.add(n, _sizes(result))
        last = dimension == -1 and result.dim() > 2
        self.measured.append(Measured(moments(result, dimension), skip, branch, last))
        return result


@contextmanager
def _in_train_mode(model: nn.Module, graph: nn.Module) -> Iterator[None]:
    """Put modes, buffers and the state of the random numbers back in the end."""
    modes = [(module, module.training) for module in model.modules()]
    copies = [(buffer, buffer.clone()) for buffer in {*model.buffers(), *graph.buffers()}]
    try:
        for module, _ in modes:
            module.training = True
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for buffer, copy in copies:
                buffer.copy_(copy)


def _own(value: object, device: torch.device) -> object:
    """A tensor that the model may write to; noise for one that holds no data."""
    if not isinstance(value, Tensor):
        return value
    return noise(value.shape, value.dtype).to(device) if value.is_meta else value.detach().clone()


def _sizes(value: object) -> tuple[int, ...]:
    """The shape of a tensor, or of the first of several."""
    if isinstance(value, list | tuple) and value:
        return _sizes(value[0])
    return tuple(value.shape) if isinstance(value, Tensor) else ()


def _shape(tensor: Tensor) -> str:
    sizes = "x".join(str(size) for size in tensor.shape)
    return f"{sizes} {str(tensor.dtype).removeprefix('torch.')}"
