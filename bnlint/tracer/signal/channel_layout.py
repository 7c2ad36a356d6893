"""Which dimension of each tensor holds the channels.

Convolutions, poolings and most normalisations have them in dimension 1, linear layers, attention
and layer norms in the last one; everything else leaves them where its inputs have them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import fx, nn

from bnlint.facts.shapes.reshaping import order_after
from bnlint.facts.types.kind import Kind
from bnlint.tracer.record.describing import constants_of
from bnlint.tracer.record.node_operations import operation_of
from bnlint.tracer.signal.residuals import GraphFlow

_FIRST = frozenset(
    {
        Kind.CONV,
        Kind.BATCH_NORM,
        Kind.INSTANCE_NORM,
        Kind.MAX_POOL,
        Kind.AVG_POOL,
        Kind.UPSAMPLE,
    }
)
_LAST = frozenset({Kind.LINEAR, Kind.EMBEDDING, Kind.ATTENTION, Kind.RECURRENT, Kind.MATMUL})


@dataclass(slots=True)
class Layout:
    """Follows the channels through a graph, one node after the other in execution order.

    ``dimensions`` tell for each node where its output has its channels, -1 standing for the last
    dimension; inputs and parameters have none until a layer reads them. ``sizes`` are the shapes.
    """

    flow: GraphFlow
    dimensions: dict[fx.Node, int] = field(default_factory=dict)
    sizes: dict[fx.Node, tuple[int, ...]] = field(default_factory=dict)

    def add(self, node: fx.Node, sizes: tuple[int, ...]) -> None:
        """Note the shape of a node's output."""
        self.sizes[node] = sizes
        dimension = self._dimension(node)
        if dimension is not None:
            self.dimensions[node] = dimension

    def among(self, nodes: Iterable[fx.Node]) -> int | None:
        """The dimension of the first of some nodes that has one."""
        return next((self.dimensions[node] for node in nodes if node in self.dimensions), None)

    def _dimension(self, node: fx.Node) -> int | None:
        kind = self.flow.kinds[node]
        if kind in _FIRST:
            return 1
        if kind in _LAST or _is_layer_norm(self.flow, node):
            return -1
        before = self.among(node.all_input_nodes)
        if before is None or kind not in (Kind.PERMUTE, Kind.RESHAPE, Kind.SPLIT):
            return before
        source = node.all_input_nodes[0]
        if kind is Kind.PERMUTE:
            return _permuted(self.flow, node, len(self.sizes[source]), before)
        return _reshaped(self.sizes[source], self.sizes[node], before)


def _is_layer_norm(flow: GraphFlow, node: fx.Node) -> bool:
    """Whether it normalises the last dimension alone, as after linear layers."""
    if flow.kinds[node] is not Kind.OTHER_NORM:
        return False
    if node.op == "call_module":
        layer = flow.module.get_submodule(str(node.target))
        return isinstance(layer, nn.LayerNorm | nn.RMSNorm) and len(layer.normalized_shape) == 1
    shape = node.kwargs.get("normalized_shape", node.args[1] if len(node.args) > 1 else ())
    return isinstance(shape, list | tuple) and len(shape) == 1


def _permuted(flow: GraphFlow, node: fx.Node, rank: int, before: int) -> int:
    """Where ``permute``, ``transpose`` and the like put the channels."""
    operation = operation_of(node, flow.module)
    order = order_after(operation.name, rank, constants_of(node, operation))
    if not order:
        return before
    after = order.index(before % rank)
    return -1 if after == rank - 1 and rank > 2 else after


def _reshaped(old: tuple[int, ...], new: tuple[int, ...], before: int) -> int:
    """Where a view has the channels: where they were, or where their number is found again."""
    if before == -1 or before >= len(old):
        return before
    channels = old[before]
    if before < len(new) and new[before] == channels:
        return before
    return new.index(channels) if channels in new else min(before, len(new) - 1)
