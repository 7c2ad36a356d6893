"""From a recorded torch.fx graph to plain records of a model's layers and calls."""

from collections.abc import Iterable, Iterator, Mapping
from typing import SupportsFloat

import torch
from torch import fx, nn

from bnlint.facts.types.kind import Kind
from bnlint.tracer.record.layer_types import constant_parameters, describe_layers
from bnlint.tracer.record.node_operations import Operation, operation_of
from bnlint.tracer.record.records import CallRecord, LayerRecord, TraceRecord

PLAIN = (bool, int, float, str, type(None))
_ARITHMETIC = frozenset({Kind.ADD, Kind.SUB, Kind.MUL, Kind.DIV})


def describe(
    model: nn.Module, graph: fx.Graph, name: str, layers: Iterable[LayerRecord] = ()
) -> TraceRecord:
    """Describe a recorded graph of ``model``; ``layers`` if they were described already."""
    listed = tuple(layers) or describe_layers(model)
    calls = _Calls(model)
    for node in graph.nodes:
        calls.add(node)
    return TraceRecord(name, listed, tuple(calls.made), tuple(calls.outputs))


class _Calls:
    """Records made from nodes in execution order.

    ``at`` maps a node to the call that stands for it. An operation that returns its input as it is
    stands for that tensor from then on, as the code reads.
    """

    def __init__(self, model: nn.Module) -> None:
        self.made: list[CallRecord] = []
        self.outputs: list[int] = []
        self._at: dict[fx.Node, int] = {}
        self._names = {id(module): n for n, module in reversed([*model.named_modules()])}
        self._model = model

    def add(self, node: fx.Node) -> None:
        """Describe one node."""
        operation = operation_of(node, self._model)
        sources = self._inputs(node)
        if node.op == "output":
            self.outputs = sources
        elif self._picks_first(node, operation):
            self._at[node] = sources[0]
        else:
            self._at[node] = len(self.made)
            self.made.append(self._record(node, operation, sources))
            if node.meta.get("passes"):
                self._supersede(sources, self._at[node])

    def _picks_first(self, node: fx.Node, operation: Operation) -> bool:
        """Whether a node takes the main output of an operation that has others besides.

        An LSTM's output and its state, a pooling's output and its indices: to rules the first is
        the operation's own output. The parts of a split are all alike.
        """
        source = node.args[0] if operation.name == "getitem" and node.args else None
        if not isinstance(source, fx.Node) or not isinstance(node.args[1], int):
            return False
        several = source.meta.get("several", False)
        return bool(several) and self.made[self._at[source]].kind != Kind.SPLIT

    def _supersede(self, sources: list[int], index: int) -> None:
        for node, at in self._at.items():
            if at in sources[:1]:
                self._at[node] = index

    def _inputs(self, node: fx.Node) -> list[int]:
        return [self._at[source] for source in _sources(node) if source in self._at]

    def _record(self, node: fx.Node, operation: Operation, sources: list[int]) -> CallRecord:
        owner = node.meta.get("owner") if operation.kind is not Kind.PARAMETER else None
        modules = tuple(node.meta.get("modules", ()))
        if node.op == "call_module":
            owner = self._names.get(id(self._model.get_submodule(str(node.target))), owner)
            modules = (*modules, str(owner))
        return CallRecord(
            operation.kind,
            operation.name,
            tuple(sources),
            owner,
            node.meta.get("place"),
            tuple(node.meta.get("callers", ())),
            modules,
            self._held(node) if node.op == "get_attr" else constants_of(node, operation),
            node.meta.get("sizes"),
            node.meta.get("error"),
            "in_eval" in node.meta,
        )

    def _held(self, node: fx.Node) -> Mapping[str, object]:
        """The name of a parameter, and the number that it holds throughout, if it does."""
        found: dict[str, object] = {"name": str(node.target)}
        path, _, name = str(node.target).rpartition(".")
        try:
            module = self._model.get_submodule(path)
        except AttributeError:
            return found
        numbers = dict(constant_parameters(module))
        return found | {"fill": numbers[name]} if name in numbers else found


def _sources(node: fx.Node) -> Iterator[fx.Node]:
    """The tensor arguments of a node in order, each as often as it is given."""
    pending: list[object] = [*node.args, *node.kwargs.values()]
    while pending:
        match pending.pop(0):
            case fx.Node() as source:
                yield source
            case list() | tuple() as several:
                pending[:0] = several
            case dict() as named:
                pending[:0] = named.values()


def constants_of(node: fx.Node, operation: Operation) -> Mapping[str, object]:
    """The arguments of a function that are plain values, by parameter name."""
    if node.op not in ("call_function", "call_method"):
        return {}
    found: dict[str, object] = {
        operation.parameter_named(word): value
        for word, value in node.kwargs.items()
        if _is_plain(value)
    }
    if operation.kind in _ARITHMETIC and len(node.args) > 1:
        found |= _operand(node, operation)
    elif operation.variadic:
        rest = node.args[1:]
        single = len(rest) == 1 and isinstance(rest[0], list | tuple)
        found["shape"] = rest[0] if single else rest
    else:
        for number, value in enumerate(node.args):
            if _is_plain(value) and not (number == 0 and isinstance(value, list | tuple)):
                found[operation.parameter(number)] = value
    return {n: _plain(value) for n, value in found.items() if _is_plain(value)}


def _operand(node: fx.Node, operation: Operation) -> dict[str, object]:
    """The constant of ``x * 0.5``, ``1 - x`` and the like."""
    for number, value in enumerate(node.args[:2]):
        if isinstance(value, SupportsFloat) and not isinstance(
            value, torch.Tensor | str
        ):  # or numpy's
            plain = value if isinstance(value, int | float) else float(value)
            return {"other": plain, "reflected": (number == 0) is not operation.reflected}
    return {}


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (*PLAIN, torch.dtype, torch.device))


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value if isinstance(value, PLAIN) else str(value)
