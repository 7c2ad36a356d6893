"""The operations of a forward, from the tape to the calls of a graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bnlint.facts.types.graph import Call, Layer
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Argument, Site
from bnlint.interpreter.core.journal import Journal, Recorded
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.tape import Op, Tape
from bnlint.interpreter.results.layer_facts import ConstantArguments
from bnlint.interpreter.results.parameter_names import parameter_arguments, with_weight_owners


@dataclass(slots=True)
class GraphCalls:
    """Makes the calls; ``new_layer`` makes layers that are called and no part of the model."""

    tape: Tape
    journal: Journal
    new_layer: Callable[[Instance, str], Layer]

    def of(self, recorded: Recorded, layers: dict[Instance, Layer]) -> tuple[Call, ...]:
        """The calls of one forward, among the layers of its model."""
        start = recorded.start
        stacks: dict[tuple[Instance, ...], tuple[str, ...]] = {}
        made = []
        for index, op in enumerate(self.tape.ops[start : recorded.end]):
            if op.modules not in stacks:
                stacks[op.modules] = tuple(_name_in(layers, module) for module in op.modules)
            made.append(self._call(index, start, op, layers, stacks[op.modules]))
        return tuple(with_weight_owners(made, layers.values()))

    def _call(
        self,
        index: int,
        start: int,
        op: Op,
        layers: dict[Instance, Layer],
        modules: tuple[str, ...],
    ) -> Call:
        layer = layers.get(op.layer) if op.layer is not None else None
        if layer is None and op.layer is not None:
            layer = self.new_layer(op.layer, op.layer.type_name)
        return Call(
            index,
            op.kind,
            op.name,
            tuple(source - start for source in op.inputs if source >= start),
            layer,
            op.site,
            _arguments(op, layers),
            modules,
            op.callers,
            op.loops,
            op.shape,
            op.certain,
            recomputed=self._recomputed(op) if self.journal.recomputed else None,
            in_eval=op.in_eval,
        )

    def _recomputed(self, op: Op) -> Site | None:
        """The call around an operation that runs it again in the backward pass."""
        around = op.callers if op.site is None else (op.site, *op.callers)
        modules = {op.layer, *op.modules}
        once = self.journal.recomputed
        return next((s for s in around if s in once and modules.isdisjoint(once[s])), None)


def _arguments(op: Op, layers: dict[Instance, Layer]) -> Mapping[str, Argument]:
    if op.kind is Kind.PARAMETER:
        return parameter_arguments(op, layers)
    return ConstantArguments(op.constants) if op.constants else {}


def _name_in(layers: dict[Instance, Layer], module: Instance) -> str:
    """A module's name in the model, or that of its class if it is none of its layers."""
    return layers[module].name if module in layers else module.type_name
