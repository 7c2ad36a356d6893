"""The graph of a traced model as programs read it: layers, and calls with their data flow."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, TypedDict

from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.report.locations import PlaceJson, place
from bnlint.visible import inert_json

LayerJson = TypedDict(
    "LayerJson",
    {
        "name": Annotated[str, "dotted, within the model; empty for the model itself"],
        "aliases": Annotated[Sequence[str], "other names of the same module"],
        "class": Annotated[str, "as the code calls it"],
        "type": Annotated[str, "the library class that it is or derives from"],
        "kind": Kind,
        "arguments": Annotated[Mapping[str, str], "of its constructor, as Python writes them"],
        "built": Annotated[PlaceJson, "the constructor call"],
        "called": Annotated[Sequence[int], "indices of the calls"],
    },
)


class CallJson(TypedDict):
    """One operation of the forward."""

    index: int
    kind: Kind
    op: Annotated[str, "bare name: Conv2d, relu, add"]
    layer: Annotated[str | None, "dotted name"]
    modules: Annotated[Sequence[str], "around it, outermost first"]
    inputs: Annotated[Sequence[int], "indices of the calls that its tensors come from"]
    shape: Annotated[Sequence[int] | None, "of what it gives, null if not known"]
    site: Annotated[PlaceJson | None, "where it is written"]
    error: Annotated[str | None, "what torch raised"]


class GraphJson(TypedDict):
    """A model's layers in registration order and its calls in execution order."""

    model: str
    complete: Annotated[bool, "false where a part could not be traced"]
    problems: Sequence[str]
    guessed_input: Annotated[bool, "whether nobody gave the input"]
    layers: Sequence[LayerJson]
    calls: Sequence[CallJson]
    outputs: Annotated[Sequence[int], "indices of the calls that give what the model returns"]
    never_called: Annotated[Sequence[str], "layers that run neither in train nor in eval mode"]


def text(graph: ModelGraph) -> str:
    """Return one JSON object."""
    made: GraphJson = {
        "model": graph.name,
        "complete": graph.complete,
        "problems": list(graph.problems),
        "guessed_input": graph.guessed_input,
        "layers": [_layer(graph, layer) for layer in graph.layers],
        "calls": [_call(call) for call in graph.calls],
        "outputs": list(graph.outputs),
        "never_called": list(graph.never_called),
    }
    return inert_json(json.dumps(made, indent=2)) + "\n"


def _layer(graph: ModelGraph, layer: Layer) -> LayerJson:
    return {
        "name": layer.name,
        "aliases": list(layer.aliases),
        "class": layer.class_name,
        "type": layer.type,
        "kind": layer.kind,
        "arguments": {name: repr(given.value) for name, given in layer.arguments.items()},
        "built": place(layer.site.span),
        "called": [call.index for call in graph.calls_by_layer.get(layer, ())],
    }


def _call(call: Call) -> CallJson:
    sizes = call.shape.sizes
    return {
        "index": call.index,
        "kind": call.kind,
        "op": call.op,
        "layer": call.layer.name if call.layer is not None else None,
        "modules": list(call.modules),
        "inputs": list(call.inputs),
        "shape": None if sizes is None else list(sizes),
        "site": place(call.site.span) if call.site is not None else None,
        "error": call.error,
    }
