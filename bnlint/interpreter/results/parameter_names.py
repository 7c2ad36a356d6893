"""Under which dotted names a forward's parameters stand in its model."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from bnlint.facts.types.graph import Call, Layer
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.facts.types.site import NOT_KNOWN, Argument
from bnlint.interpreter.core.layer_arguments import plain
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.tape import Op
from bnlint.interpreter.core.values import present


def parameter_arguments(op: Op, layers: Mapping[Instance, Layer]) -> dict[str, Argument]:
    """What is known of the parameter that an operation reads: its name, and a number that fills it."""
    fill, name = op.constants.get("fill"), _name(op, layers)
    return {
        "fill": Argument("fill", plain(fill)),
        "name": Argument("name", NOT_KNOWN if name is None else name),
    }


def _name(op: Op, layers: Mapping[Instance, Layer]) -> str | None:
    parameter = op.constants.get("name")
    owner = parameter.attributes.get("owner") if isinstance(parameter, Instance) else None
    for holder in (owner, *reversed(op.modules)):
        if not isinstance(holder, Instance) or holder not in layers:
            continue
        for name, entry in holder.attributes.items():
            if present(entry) is parameter:
                whole = layers[holder].name
                return f"{whole}.{name}" if whole else name
    return None


def with_weight_owners(calls: list[Call], layers: Collection[Layer]) -> list[Call]:
    """Give layers to the convolutions and linear functions that take a weight computed from theirs.

    Not if it may have another shape: such a call is no use of the layer as it was built.
    """
    owners: dict[int, str] = {}
    by_name = {layer.name: layer for layer in layers if layer.kind in WEIGHTED}
    for number, call in enumerate(calls):
        owner = _owner(call, owners)
        if owner in by_name:
            owners[call.index] = owner
        if call.kind in WEIGHTED and call.layer is None and len(call.inputs) > 1:
            layer = by_name.get(owners.get(call.inputs[1], ""))
            weight = calls[call.inputs[1]]
            reshaped = weight.kind is Kind.RESHAPE and not weight.op.endswith("_as")
            if layer is not None and layer.kind is call.kind and not reshaped:
                calls[number] = replace(call, layer=layer)
    return calls


_OTHER_SIZES = frozenset({Kind.SPLIT, Kind.CAT, Kind.PERMUTE, Kind.MATMUL, Kind.UNKNOWN, Kind.PHI})


def _owner(call: Call, owners: Mapping[int, str]) -> str:
    """The name of the layer from whose parameters alone an operation computes something."""
    if call.kind is Kind.PARAMETER:
        name = call.arguments["name"].value
        return name.rpartition(".")[0] if isinstance(name, str) else ""
    if call.kind in _OTHER_SIZES:
        return ""
    found = {owners.get(source, "") for source in call.inputs}
    return found.pop() if len(found) == 1 else ""
