"""The ways to a graph, tried one after the other: meta tensors, real ones, torch.fx, a part."""

import sys
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.parameter import is_lazy

from bnlint.immutable import immutable
from bnlint.tracer.record import blame, stand_in_tensors, torch_patches
from bnlint.tracer.record.call_places import calls_in_user_code
from bnlint.tracer.record.graph_modules import module_of
from bnlint.tracer.record.recorder import MOST_PLACES, Recorder

WAYS = ("meta", "cpu", "symbolic")
MOST_MEMORY = 2 * 2**30
"""Bytes that the parameters and buffers of a model may take to be run with data."""
_LONGEST_ERROR = 300


@immutable
class Recording:
    """A recorded forward.

    ``module`` holds the layers and parameters of the recorded model itself. ``how`` is ``meta`` or
    ``cpu`` by the tensors that were used, ``symbolic`` for ``torch.fx.symbolic_trace``, or ``partial``:
    what was recorded until something failed. ``problems`` say what. ``failures`` are what was wrong
    with the ways that were tried before. ``looked`` tells whether the forward read values out of
    tensors, which are made up, so that other values may take another way.
    """

    module: fx.GraphModule
    how: str
    problems: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    looked: bool = False


@immutable
class _Tried:
    """One try: what was recorded, complete where there is no ``problem``."""

    graph: fx.Graph
    constants: Mapping[str, Tensor]
    problem: str | None = None
    looked: bool = False


def record(
    model: nn.Module,
    inputs: tuple[object, ...],
    kwargs: Mapping[str, object] | None = None,
    *,
    training: bool = True,
    ways: Sequence[str] = WAYS,
) -> Recording:
    """Record one forward; the model comes back as it was.

    The user's hooks run as in any forward. Never raises for what the model does; see ``problems``.
    Of several problems the one with real tensors is told, which reads as the user knows it.
    """
    unknown = _without_sizes(model)
    if unknown is not None:
        return Recording(module_of(model, fx.Graph(), {}), "partial", (unknown,))
    tried: list[_Tried] = []
    failures: dict[str, str] = {}
    for way in ways:
        refused = _too_large(model) if way == "cpu" else None
        result = _Tried(fx.Graph(), {}, refused)
        if refused is None:
            result = _TRY[way](model, inputs, kwargs or {}, training)
        if result.problem is None:
            module = module_of(model, result.graph, result.constants)
            return Recording(module, way, (), tuple(failures.values()), result.looked)
        tried.append(result)
        failures[way] = result.problem
    longest = max(tried, key=lambda result: len(result.graph.nodes))
    module = module_of(model, longest.graph, longest.constants)
    return Recording(module, "partial", _told(failures, model), tuple(failures.values()))


def _told(failures: Mapping[str, str], model: nn.Module) -> tuple[str, ...]:
    """What the user has to know: why the forward fails, and why it did not get values."""
    if "cpu" not in failures:
        return tuple(failures.values())[:1]
    if _too_large(model) is None:
        return (failures["cpu"],)
    return tuple(failures[way] for way in ("meta", "cpu") if way in failures)


def _too_large(model: nn.Module) -> str | None:
    needed = stand_in_tensors.memory_needed(model)
    if needed <= MOST_MEMORY:
        return None
    return (
        f"parameters of {needed / 2**30:.1f} GiB are not given values, for which there are "
        f"{MOST_MEMORY / 2**30:.0f} GiB, so code that looks into tensors cannot be traced: "
        "trace a smaller variant of the model"
    )


def _without_sizes(model: nn.Module) -> str | None:
    """What is wrong with a model whose layers learn their sizes from the first input."""
    for name, module in model.named_modules():
        if any(map(is_lazy, (*module._parameters.values(), *module._buffers.values()))):
            return (
                f"`{name}` is a {type(module).__name__}, whose sizes are known after the model's "
                "first call: call the model once before it is traced"
            )
    return None


# -- recording ----------------------------------------------------------------------------------


def _on_meta(
    model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object], training: bool
) -> _Tried:
    return _recorded(model, inputs, kwargs, training, "meta", stand_in_tensors.on_meta)


def _on_cpu(
    model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object], training: bool
) -> _Tried:
    return _recorded(model, inputs, kwargs, training, "cpu", stand_in_tensors.with_data)


def _recorded(
    model: nn.Module,
    inputs: tuple[object, ...],
    kwargs: Mapping[str, object],
    training: bool,
    how: str,
    change: Callable[[Tensor], Tensor],
) -> _Tried:
    device = next((p.device for p in model.parameters() if not p.is_meta), torch.device("cpu"))
    with (
        stand_in_tensors.in_other_tensors(model, change, training=training) as stand_ins,
        torch_patches.without_cuda(how),
        torch.enable_grad(),
    ):
        recorder = Recorder(model, stand_ins, how, device)
        try:
            recorder.run(_moved(tuple(inputs), change), _moved(dict(kwargs), change))
        except (Exception, SystemExit) as error:
            return _tried(recorder, _problem(error, recorder))
    return _tried(recorder, None)


def _tried(recorder: Recorder, problem: str | None) -> _Tried:
    tape = recorder.tape
    if problem is not None:
        tape.graph.output(None)
    return _Tried(tape.graph, tape.constants, problem, recorder.looked)


def _problem(error: BaseException, recorder: Recorder) -> str:
    place = blame.of_error(error)
    where = f" at {place.file}:{place.line}" if place is not None else ""
    failure = recorder.failure
    what = f"`{failure.operation}`" if failure and failure.operation else "the forward"
    inside = f" in `{failure.module}`" if failure and failure.module else ""
    said = " ".join(str(error).split())[:_LONGEST_ERROR]
    return f"{what}{where}{inside} failed: {type(error).__name__}: {said}"


def _moved(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    match value:
        case Tensor():
            return change(value.detach()).requires_grad_(value.requires_grad)
        case tuple() | list():
            items = [_moved(item, change) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        case dict():
            return {name: _moved(item, change) for name, item in value.items()}
    return value


# -- torch.fx -----------------------------------------------------------------------------------


class _Tracer(fx.Tracer):
    """Remembers where in the user's code operations are."""

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        node = super().create_node(*args, **kwargs)
        places = calls_in_user_code(sys._getframe(1), MOST_PLACES)
        node.meta |= {"place": places[0] if places else None, "callers": places[1:]}
        node.meta["modules"] = ("", *(name for name, _ in self.module_stack.values()))
        if node.op == "call_module":
            node.meta["owner"] = str(node.target)
        return node


def _symbolic(
    model: nn.Module, inputs: tuple[object, ...], kwargs: Mapping[str, object], training: bool
) -> _Tried:
    """What torch.fx finds without running anything; its own errors are of no use to the user."""
    tracer = _Tracer()
    with stand_in_tensors.in_other_tensors(
        model, stand_in_tensors.on_meta, training=training
    ) as stand_ins:
        try:
            graph = tracer.trace(model)
        except (Exception, SystemExit) as error:
            return _Tried(fx.Graph(), {}, f"torch.fx failed: {error}")
        made = {str(node.target) for node in graph.nodes if node.op == "get_attr"}
        held = {name: getattr(model, name) for name in made if name.startswith("_tensor_constant")}
        lost = [name for name in made if not _has(model, name)]
        if lost:  # torch.fx keeps objects of scripted code in its own graph module
            return _Tried(fx.Graph(), {}, f"torch.fx found no tensor behind `{lost[0]}`")
    return _Tried(graph, {n: stand_ins.originals.get(id(t), t) for n, t in held.items()})


def _has(model: nn.Module, name: str) -> bool:
    try:
        attrgetter(name)(model)
    except AttributeError:
        return False
    return True


_TRY = {"meta": _on_meta, "cpu": _on_cpu, "symbolic": _symbolic}
