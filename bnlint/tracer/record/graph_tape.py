"""A torch.fx graph that grows with each operation, and which node made which tensor."""

import operator
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, fx
from torch.nn.utils.rnn import PackedSequence

from bnlint.tracer.record.records import TracePlace
from bnlint.tracer.record.stand_in_tensors import Shadow
from bnlint.tracer.record.tensors import count_of, memory_of, opened, tensors_in

PLAIN = (int, float, bool, str, complex, type(None), type(...))
PARAMETRIZATIONS = ".parametrizations."


def alias_update(tensor: Tensor, change: object) -> Tensor:
    """Stands for a tensor that was changed through another name of its memory, or in place."""
    return tensor


class GraphTape:
    """Nodes in execution order.

    Torch counts the changes of each tensor. A tensor whose count is not the one that its node knows
    was changed through a view, or through another tensor of the same memory.
    """

    def __init__(self, shadow: Shadow, device: torch.device) -> None:
        self.graph = fx.Graph()
        self.constants: dict[str, Tensor] = {}
        self.modules: list[str] = []
        self._shadow = shadow
        self._device = device
        self._nodes: dict[int, fx.Node] = {}
        self._counts: dict[int, int] = {}
        self._changed: dict[int, fx.Node] = {}
        self._makers: dict[int, fx.Node] = {}
        self._derived: dict[fx.Node, str] = {}
        self._alive: list[Tensor] = []

    def add_input(self, number: int, tensor: Tensor) -> None:
        """A placeholder for an input of the model."""
        self._bind(tensor, self._node("placeholder", f"input_{number}", tensor))

    def add_output(self, output: object) -> None:
        """What the model returns; of objects their attributes that hold tensors."""
        self.graph.output(self.argument(opened(output)))

    def add(
        self,
        op: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        output: object,
        changed: list[Tensor],
        places: tuple[TracePlace, ...],
    ) -> fx.Node:
        """An operation that has just run; ``changed`` are the tensors that it wrote to."""
        for tensor in changed:  # the arguments are what they were before
            if id(tensor) in self._counts:
                self._counts[id(tensor)] = count_of(tensor)
        made = tensors_in(output)
        node = self.graph.create_node(op, target, self.argument(args), self.argument(dict(kwargs)))
        self._describe(node, made[0] if made else None)
        given = {id(tensor) for tensor in tensors_in((args, kwargs))}
        node.meta.update(
            place=places[0] if places else None,
            callers=places[1:],
            owner=self._owner(node),
            in_place=any(id(tensor) not in self._shadow.names for tensor in changed),
            passes=len(made) == 1 and id(made[0]) in given and not changed,
        )
        for tensor in changed:
            self._rewrite(tensor, node, returned=any(tensor is one for one in made))
        self._give(node, output, given)
        return node

    def argument(self, value: Any) -> Any:
        """A value as the argument of a node."""
        match value:
            case Tensor():
                return self._read(value)
            case torch.Size():
                return tuple(int(size) for size in value)
            case list():
                return [self.argument(item) for item in value]
            case PackedSequence():  # it looks into what it is made of, so fx cannot copy it
                parts = tuple(self.argument(part) for part in value)
                return self._node("call_function", PackedSequence, value, parts)
            case tuple():
                items = [self.argument(item) for item in value]
                return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
            case dict():
                return {_key(name): self.argument(item) for name, item in value.items()}
            case slice():
                return slice(*(self.argument(x) for x in (value.start, value.stop, value.step)))
            case torch.device():
                return self._device if value.type == "meta" else value
            case str():
                return str(self._device) if value == "meta" else value
        return value

    # -- tensors ----------------------------------------------------------------------------

    def _read(self, tensor: Tensor) -> fx.Node:
        node = self._nodes.get(id(tensor))
        if node is None:
            node = self._outside(tensor)
        elif self._counts[id(tensor)] != count_of(tensor) and node.op != "get_attr":
            change = self._changed.get(memory_of(tensor), node)
            node = self._node("call_function", alias_update, tensor, (node, change))
        else:
            return node
        self._bind(tensor, node)
        return node

    def _outside(self, tensor: Tensor) -> fx.Node:
        """A tensor that no operation gave: a parameter or buffer of the model, another name for the
        memory of one that is known, or a tensor that was there before the forward.
        """
        name = self._shadow.names.get(id(tensor))
        if name is not None:
            return self._node("get_attr", name, tensor)
        made = self._makers.get(memory_of(tensor))
        if made is not None:
            view = (made, tuple(tensor.shape), tensor.stride(), tensor.storage_offset())
            return self._node("call_function", torch.as_strided, tensor, view)
        name = f"_constant_{len(self.constants)}"
        self.constants[name] = self._shadow.originals.get(id(tensor), tensor)
        node = self._node("get_attr", name, tensor)
        node.meta["constant"] = True
        return node

    def _rewrite(self, tensor: Tensor, node: fx.Node, returned: bool) -> None:
        """What reads a tensor from here on depends on the operation that wrote to it."""
        self._changed[memory_of(tensor)] = node
        before = self._nodes.get(id(tensor))
        if before is None or before.op == "get_attr":
            return
        if not returned:
            node = self._node("call_function", alias_update, tensor, (before, node))
        self._bind(tensor, node)

    def _give(self, node: fx.Node, output: object, given: set[int]) -> None:
        if isinstance(output, Tensor):
            if id(output) not in given:
                self._bind(output, node)
            return
        node.meta["several"] = True
        for key, item in _parts(output):
            if not tensors_in(item):
                continue
            part = self._node("call_function", operator.getitem, item, (node, key))
            part.meta |= {name: node.meta[name] for name in ("place", "callers")}
            if node in self._derived:
                self._derived[part] = self._derived[node]
            self._give(part, item, given)

    def _bind(self, tensor: Tensor, node: fx.Node) -> None:
        self._nodes[id(tensor)] = node
        self._makers[memory_of(tensor)] = node
        self._counts[id(tensor)] = count_of(tensor)
        self._alive.append(tensor)  # else another tensor could get its identity

    def _node(self, op: str, target: Any, value: object, args: tuple[Any, ...] = ()) -> fx.Node:
        node = self.graph.create_node(op, target, args)
        self._describe(node, next(iter(tensors_in(value)), None))
        return node

    def _describe(self, node: fx.Node, tensor: Tensor | None) -> None:
        node.meta["modules"] = tuple(self.modules)
        if tensor is not None:
            node.meta |= {"sizes": tuple(map(int, tensor.shape)), "dtype": tensor.dtype}

    def _owner(self, node: fx.Node) -> str | None:
        if node.op == "call_module":
            name = str(node.target)
            if PARAMETRIZATIONS in f".{name}":
                self._derived[node] = f".{name}".partition(PARAMETRIZATIONS)[0].lstrip(".")
            return name
        sources = [s for s in node.all_input_nodes if not s.meta.get("constant")]
        owners = [self._owner_of_parameter(source) for source in sources]
        owner = next((each for each in owners if each is not None), None)
        if owner is not None and None not in owners:
            self._derived[node] = owner
        return owner

    def _owner_of_parameter(self, node: fx.Node) -> str | None:
        """The module of a parameter, or of what was computed from nothing but parameters."""
        if node.op == "get_attr":
            return str(node.target).rpartition(".")[0]
        return self._derived.get(node)


def _key(name: object) -> object:
    return name if isinstance(name, PLAIN) else str(name)


def _parts(output: object) -> Iterator[tuple[Any, object]]:
    if isinstance(output, dict):
        yield from output.items()
    elif isinstance(output, tuple | list):
        yield from enumerate(output)
