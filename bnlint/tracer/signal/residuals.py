"""The residual additions of a torch.fx graph, and how they follow each other."""

from collections.abc import Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush

from torch import fx

from bnlint.facts.types.forks import paths_from_fork
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.shortcuts import LEARNING, acting, is_shortcut
from bnlint.immutable import immutable
from bnlint.tracer.record.node_operations import operation_of


@immutable(eq=False)
class Addition:
    """One residual addition; ``number`` counts all additions of the graph, from 0.

    ``skip`` and ``branch`` are the operands, ``fork`` the latest node that both come from,
    ``skip_path`` and ``branch_path`` the nodes from the fork to them that read its output.
    ``previous`` is the index of the addition that the fork comes from, ``trunk`` the nodes between
    the two, the fork included.
    """

    add: fx.Node
    number: int
    skip: fx.Node
    branch: fx.Node
    skip_path: tuple[fx.Node, ...]
    branch_path: tuple[fx.Node, ...]
    previous: int | None
    trunk: tuple[fx.Node, ...]


class GraphFlow:
    """The nodes of a graph in execution order with their kinds and the nodes that they read."""

    def __init__(self, module: fx.GraphModule) -> None:
        self.module = module
        self.nodes = tuple(module.graph.nodes)
        self.kinds: Mapping[fx.Node, Kind] = {
            node: operation_of(node, module).kind for node in self.nodes if node.op != "output"
        }
        self._at = {node: index for index, node in enumerate(self.nodes)}
        self._inputs = [
            tuple(self._at[source] for source in node.all_input_nodes) for node in self.nodes
        ]

    def additions(self) -> tuple[Addition, ...]:
        """The residual additions, in execution order."""
        found: list[Addition] = []
        indices: dict[int, int] = {}
        additions = [node for node in self.nodes if self.kinds.get(node) is Kind.ADD]
        for number, node in enumerate(additions):
            addition = self._addition(node, number, indices)
            if addition is not None:
                indices[self._at[node]] = len(found)
                found.append(addition)
        return tuple(found)

    def learning(self, nodes: Collection[fx.Node]) -> list[fx.Node]:
        """Those of some nodes that mix channels by weights."""
        return [node for node in nodes if self.kinds[node] in LEARNING]

    def _addition(self, add: fx.Node, number: int, known: Mapping[int, int]) -> Addition | None:
        inputs = add.all_input_nodes
        if len(inputs) != 2:
            return None
        one, other = (self._at[node] for node in inputs)
        fork, left, right = paths_from_fork(self._inputs, one, other)
        if fork is None:
            return None
        paths = [self._read_from(fork, path) for path in (left, right)]
        depths = [len(self.learning(path)) for path in paths]
        branch = depths.index(max(depths))
        kinds = [
            [self._acting(node) for node in path] for path in (paths[1 - branch], paths[branch])
        ]
        if not is_shortcut(*kinds, projects=self._changes_shape(fork, inputs[1 - branch])):
            return None
        previous, trunk = self._back_to(known, fork)
        return Addition(
            add,
            number,
            inputs[1 - branch],
            inputs[branch],
            paths[1 - branch],
            paths[branch],
            previous,
            trunk,
        )

    def _read_from(self, fork: int, path: Sequence[int]) -> tuple[fx.Node, ...]:
        """The nodes of a path that the fork's output flows through, which leaves out weights."""
        reached = {fork}
        for index in path:
            if reached.intersection(self._inputs[index]):
                reached.add(index)
        return tuple(self.nodes[index] for index in path if index in reached)

    def _acting(self, node: fx.Node) -> Kind:
        sources = (self.kinds[source] for source in node.all_input_nodes)
        return acting(self.kinds[node], sum(kind is not Kind.PARAMETER for kind in sources))

    def _changes_shape(self, fork: int, skip: fx.Node) -> bool:
        """Whether a skip path ends in another shape than it begins with, or one is not known."""
        before, after = (node.meta.get("sizes") for node in (self.nodes[fork], skip))
        return before is None or after is None or tuple(before) != tuple(after)

    def _back_to(
        self, known: Mapping[int, int], fork: int
    ) -> tuple[int | None, tuple[fx.Node, ...]]:
        """Walk back from a fork, latest first, to the first known addition."""
        frontier, seen = [-fork], {fork}
        heapify(frontier)
        passed: list[fx.Node] = []
        while frontier:
            index = -heappop(frontier)
            if index in known:
                return known[index], tuple(passed[::-1])
            passed.append(self.nodes[index])
            for source in self._inputs[index]:
                if source not in seen:
                    seen.add(source)
                    heappush(frontier, -source)
        return None, tuple(passed[::-1])


def stages(flow: GraphFlow, additions: Sequence[Addition]) -> list[int]:
    """The stage of each addition, from 1.

    A stage begins where the skip path or the trunk before it mixes channels by weights, as it does
    where a network changes its resolution.
    """
    found: list[int] = []
    for addition in additions:
        if (
            addition.previous is None
            or is_transition(flow, addition)
            or _interrupted(flow, addition)
        ):
            found.append(max(found, default=0) + 1)
        else:
            found.append(found[addition.previous])
    return found


def is_transition(flow: GraphFlow, addition: Addition) -> bool:
    """Whether the skip path holds a convolution or linear layer."""
    return bool(flow.learning(addition.skip_path))


def _interrupted(flow: GraphFlow, addition: Addition) -> bool:
    return bool(flow.learning(addition.trunk))
