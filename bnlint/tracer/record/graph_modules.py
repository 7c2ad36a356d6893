"""Recorded graphs as modules that run."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx, nn


class RecordedModule(fx.GraphModule):
    """Runs its graph node by node; its layers and parameters are those of the recorded model.

    Compiling it would take as long as recording it, and what some graphs hold cannot be written as
    Python code.
    """

    @property
    def code(self) -> str:
        """The graph as Python code, written when somebody asks."""
        return str(self._graph.python_code("self").src)

    _code = code

    def recompile(self) -> Any:
        """There is no code to keep in step."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the graph; inputs may be given by the names of the placeholders."""
        names = [str(node.target) for node in self.graph.nodes if node.op == "placeholder"]
        rest = [kwargs.pop(name) for name in names[len(args) :] if name in kwargs]
        if kwargs:
            raise TypeError(f"there is no input `{next(iter(kwargs))}`: {', '.join(names)}")
        return fx.Interpreter(self).run(*args, *rest)


def module_of(model: nn.Module, graph: fx.Graph, constants: Mapping[str, Tensor]) -> RecordedModule:
    """The graph with the model's own layers and parameters, and the constants beside them."""
    made = RecordedModule(nn.Module(), fx.Graph(), type(model).__name__)
    made.graph = graph  # now, as a part of the model may be called `graph`
    targets = {str(n.target) for n in graph.nodes if n.op in ("call_module", "get_attr")}
    for target in sorted(targets, key=lambda name: name.count(".")):
        if not target:
            made._modules[target] = model
        elif target in constants:
            made._buffers[target] = constants[target]
        else:
            _share(model, made, target)
    made.training = model.training
    return made


def _share(model: nn.Module, made: nn.Module, target: str) -> None:
    """Let ``made`` hold what the model holds under a dotted name."""
    *path, last = target.split(".")
    for name in path:
        model = getattr(model, name)
        inner = made._modules.get(name)
        if inner is None:
            inner = made._modules[name] = nn.Module()
        made = inner
        if made is model:
            return
    registries = (model._modules, made._modules), (model._parameters, made._parameters)
    for theirs, ours in registries:
        if last in theirs:
            ours[last] = theirs[last]  # type: ignore[assignment]
            return
    made._buffers[last] = getattr(model, last)
