"""Residual blocks of normalizer-free networks: ``x + alpha * f(x / beta)``, with standardised weights.

Brock, De and Smith 2021, arXiv 2101.08692, section 4: what makes them is what they compute. All layers on
the branch standardise their weights, and nothing in the model normalises the signal.
"""

from collections.abc import Iterator, Mapping

from bnlint.facts.passes.initial_signal.activation_gains import activation_gain
from bnlint.facts.passes.initial_signal.signal_paths import Step, Way, product_of, way_to
from bnlint.facts.passes.initial_signal.standardised_weights import (
    StandardisedWeight,
    standardised_weights,
)
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, ModelGraph, Residual
from bnlint.facts.types.kind import NORMALIZATIONS, WEIGHTED, Kind
from bnlint.immutable import immutable

SAME = 0.02
"""Gains that differ by less are the same: those in use were found by sampling."""
_POOLS = frozenset({Kind.MAX_POOL, Kind.AVG_POOL})


@immutable
class Stretch:
    """A layer of a branch and the steps that lead to it from the layer, or the block, before."""

    weight: StandardisedWeight
    steps: tuple[Step, ...]

    @property
    def activation(self) -> Call | None:
        """The activation whose output the layer gets, if nothing pools it."""
        for step in reversed(self.steps):
            if step.call.kind in _POOLS:
                return None
            if step.call.kind is Kind.ACTIVATION:
                return step.call
        return None

    @property
    def right_gain(self) -> float | None:
        """The gain that keeps the variance behind the activation; ``None`` if it is not known."""
        return None if self.activation is None else activation_gain(self.activation)

    @property
    def gain(self) -> float | None:
        """By what constants, parameters and weights multiply it behind the activation."""
        factor, whole = product_of(self.steps), self.weight.whole_gain
        return None if factor is None or whole is None else factor * whole

    @property
    def extra(self) -> float | None:
        """What a parameter of the layer multiplies the signal by, if that is no activation's gain."""
        fill, right = self.weight.fill, self.right_gain
        if fill is None:
            return None
        return 1.0 if right is not None and abs(fill / right - 1) < SAME else fill


@immutable
class ScaledBlock:
    """One residual addition of such a network.

    ``entry`` are the steps from the addition before (``previous``, an index; ``None`` for the first
    block) to the first layer, ``shared`` how many of them the shortcut has, too. ``stretches`` are the
    layers of the branch, the first of which has ``entry`` for its steps, ``tail`` the steps behind the
    last one. ``skip`` are the steps of the shortcut behind the fork.
    """

    residual: Residual
    previous: int | None
    entry: tuple[Step, ...]
    shared: int
    stretches: tuple[Stretch, ...]
    tail: tuple[Step, ...]
    skip: tuple[Step, ...]

    @property
    def projects(self) -> bool:
        """Whether the shortcut has a layer with weights."""
        return any(step.call.kind in WEIGHTED for step in self.skip)

    @property
    def fades_in(self) -> bool:
        """Whether the branch starts at 0."""
        fills = [step.factor for step in self.tail] + [s.weight.fill for s in self.stretches]
        return 0.0 in fills


@Pass
def normalizer_free_blocks(graph: ModelGraph) -> tuple[ScaledBlock, ...]:
    """The blocks of a model in execution order; none where anything normalises its signal."""
    weights = standardised_weights(graph)
    if not weights or any(_normalises(graph, call) for call in graph.calls):
        return ()
    found: list[ScaledBlock] = []
    numbers: dict[int, int] = {}
    for residual in graph.residuals:
        block = _block(graph, residual, weights, numbers)
        if block is not None:
            numbers[residual.add.index] = len(found)
            found.append(block)
    return tuple(found)


def _normalises(graph: ModelGraph, call: Call) -> bool:
    return call.kind in NORMALIZATIONS and call.index not in graph.inputless


def _block(
    graph: ModelGraph,
    residual: Residual,
    weights: Mapping[int, StandardisedWeight],
    numbers: Mapping[int, int],
) -> ScaledBlock | None:
    last, skip_end = _operands(graph, residual)
    branch = way_to(graph, last, {residual.fork.index})
    skip = way_to(graph, skip_end, {residual.fork.index})
    trunk = _trunk(graph, residual.fork, numbers)
    if branch is None or skip is None or trunk is None or _clobbers(graph, branch, trunk, residual):
        return None
    whole = (*trunk.steps, *branch.steps)
    split = list(_stretches(whole, weights))
    layers = [step for step in branch.steps if step.call.kind in WEIGHTED]
    if not split or len(split) != len(layers):
        return None
    behind = max(i for i, step in enumerate(whole) if step.call.kind in WEIGHTED) + 1
    previous = numbers.get(trunk.start.index)
    return ScaledBlock(
        residual,
        previous,
        split[0].steps,
        len(trunk.steps),
        tuple(split),
        whole[behind:],
        skip.steps,
    )


def _operands(graph: ModelGraph, residual: Residual) -> tuple[Call, Call]:
    """The last calls of the branch and of the shortcut."""
    left, right = (graph.calls[index] for index in residual.add.inputs[:2])
    return (left, right) if left in residual.branch else (right, left)


def _trunk(graph: ModelGraph, fork: Call, numbers: Mapping[int, int]) -> Way | None:
    """The way to a fork from the block before, or from the layer before the first block."""
    layers = {call.index for call in graph.calls if call.kind in WEIGHTED}
    return way_to(graph, fork, numbers.keys() | layers)


def _stretches(
    steps: tuple[Step, ...], weights: Mapping[int, StandardisedWeight]
) -> Iterator[Stretch]:
    start = 0
    for number, step in enumerate(steps):
        if step.call.index in weights:
            yield Stretch(weights[step.call.index], steps[start:number])
            start = number + 1


def _clobbers(graph: ModelGraph, branch: Way, trunk: Way, residual: Residual) -> bool:
    """Whether an activation in place changes what the shortcut gets, or may do so."""
    first = next((step.call for step in branch.steps if step.call.kind not in (Kind.PASS,)), None)
    if first is None or first.kind is not Kind.ACTIVATION or trunk.steps:
        return False
    argument = first.arguments.get("inplace")
    if argument is None and first.layer is not None:
        argument = first.layer.arguments.get("inplace")
    in_place = first.op.endswith("_") or (argument is not None and argument.value is not False)
    return in_place and residual.fork.index in first.inputs
