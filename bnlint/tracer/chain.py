"""The ways to a graph, tried one after the other: meta tensors, real ones, torch.fx, a part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.parameter import is_lazy

from bnlint.tracer import blame, quirks, shadow
from bnlint.tracer.recorder import Recorder
from bnlint.tracer.tape import Tape


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded forward.

    ``module`` holds the layers and parameters of the recorded model itself. ``how`` is ``meta`` or
    ``cpu`` by the tensors that were used, ``symbolic`` for ``torch.fx.symbolic_trace``, or ``partial``:
    what was recorded until something failed. ``problems`` say what.
    """

    module: fx.GraphModule
    how: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tried:
    tape: Tape
    problem: str


def record(
    model: nn.Module,
    inputs: tuple[object, ...],
    kwargs: Mapping[str, object] | None = None,
    *,
    training: bool = True,
) -> Recording:
    """Record one forward; the model comes back as it was.

    The user's hooks run as in any forward. Never raises for what the model does; see ``problems``.
    """
    lazy = [name for name, parameter in model.named_parameters() if is_lazy(parameter)]
    if lazy:
        owner = lazy[0].rpartition(".")[0]
        problem = (
            f"`{owner}` is lazy: its sizes are known after the model's first call, so call it once"
        )
        return Recording(_module(model, fx.Graph(), {}), "partial", (problem,))
    tried = []
    for how, change in (("meta", shadow.on_meta), ("cpu", shadow.with_data)):
        result = _recorded(model, inputs, kwargs or {}, training, how, change)
        if isinstance(result, Tape):
            return Recording(_module(model, result.graph, result.constants), how)
        tried.append(result)
    symbolic = _symbolic(model, training)
    if symbolic is not None:
        return Recording(symbolic, "symbolic")
    longest = max(tried, key=lambda result: len(result.tape.graph.nodes))
    module = _module(model, longest.tape.graph, longest.tape.constants)
    return Recording(module, "partial", (tried[-1].problem,))


def _recorded(
    model: nn.Module,
    inputs: tuple[object, ...],
    kwargs: Mapping[str, object],
    training: bool,
    how: str,
    change: Callable[[Tensor], Tensor],
) -> Tape | _Tried:
    device = next((p.device for p in model.parameters() if not p.is_meta), torch.device("cpu"))
    with (
        shadow.in_other_tensors(model, change, training=training) as stand_ins,
        quirks.without_cuda(how),
        torch.no_grad() if how == "cpu" else torch.enable_grad(),
    ):
        recorder = Recorder(model, stand_ins, device)
        try:
            args, named = _moved(tuple(inputs), how), _moved(dict(kwargs), how)
            recorder.run(args, named)
        except Exception as error:
            recorder.tape.graph.output(None)
            return _Tried(recorder.tape, _problem(error, recorder))
    return recorder.tape


def _problem(error: Exception, recorder: Recorder) -> str:
    place = blame.of_error(error)
    where = f" at {place.file}:{place.line}" if place is not None else ""
    inside = f" in `{recorder.tape.modules[-1]}`" if recorder.tape.modules else ""
    what = f"`{recorder.failed}`" if recorder.failed is not None else "the forward"
    said = " ".join(str(error).split())
    return f"{what}{where}{inside} failed: {type(error).__name__}: {said[:300]}"


def _symbolic(model: nn.Module, training: bool) -> fx.GraphModule | None:
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = training
        return fx.symbolic_trace(model)
    except Exception:
        return None
    finally:
        for module, mode in modes:
            module.training = mode


def _module(model: nn.Module, graph: fx.Graph, constants: Mapping[str, Tensor]) -> fx.GraphModule:
    """The graph with the model's own layers and parameters, and the constants beside them."""
    held: dict[str, Any] = dict(constants)
    for node in graph.nodes:
        if node.op in ("call_module", "get_attr") and str(node.target) not in held:
            owner, _, name = str(node.target).rpartition(".")
            held[str(node.target)] = getattr(model.get_submodule(owner), name)
    made = fx.GraphModule(held, graph, type(model).__name__)
    made.training = model.training
    return made


def _moved(value: Any, device: str) -> Any:
    match value:
        case Tensor() if device == "meta":
            return value.detach().to("meta")
        case Tensor():
            return shadow.with_data(value.detach())
        case tuple() | list():
            return type(value)(_moved(item, device) for item in value)
        case dict():
            return {name: _moved(item, device) for name, item in value.items()}
    return value
