"""From the records of a trace to the graph that rules read, with the nodes of the user's files."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import libcst as cst

from bnlint.facts.types.graph import Call, Layer, ModelGraph, Shape
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import NOT_KNOWN, Argument, Site
from bnlint.source import Project
from bnlint.tracer.graphs.constructor_sites import PlacedNodes
from bnlint.tracer.graphs.no_source import UNWRITTEN, Uneditable
from bnlint.tracer.record.loop_passes import Passes
from bnlint.tracer.record.records import CallRecord, LayerRecord, TraceRecord
from bnlint.visible import display_path
from bnlint.vocabulary.layers import KINDS, SIGNATURES

_FILE = re.compile(r"(?<= at )/\S+\.py(?=:\d)")
_LAST_IS_CHANNELS = frozenset({Kind.LINEAR, Kind.EMBEDDING})
_KEEPS_LAYOUT = frozenset(
    {
        Kind.ACTIVATION,
        Kind.DROPOUT,
        Kind.PASS,
        Kind.OTHER_NORM,
        Kind.BATCH_NORM,
        Kind.ADD,
        Kind.SUB,
        Kind.MUL,
        Kind.DIV,
    }
)
"""Operations after which the channels stand where they stood before."""


def model_graph(
    record: TraceRecord,
    project: Project,
    *,
    site: Site | None = None,
    read: ModelGraph | None = None,
) -> ModelGraph:
    """Turn a trace into a graph.

    ``site`` is where the model is built, if that is known better than by the trace. ``read`` is the
    graph of the same model as the rehearsal saw it: what its code says of arguments (where a value
    was written, which option it came from) is kept, and completed by the live values.
    """
    places = PlacedNodes(project)
    known = {layer.name: layer for layer in read.layers} if read is not None else {}
    records = {layer.name: layer for layer in record.layers}
    layers = {
        name: _layer(layer, places.constructor(layer, records), known.get(name))
        for name, layer in records.items()
    }
    by_name = layers | {alias: layer for layer in layers.values() for alias in layer.aliases}
    built = read.site if read is not None else site
    return ModelGraph(
        record.name,
        built or (layers[""].site if "" in layers else UNWRITTEN),
        tuple(layers.values()),
        _calls(record, by_name, places),
        record.outputs,
        not record.problems,
        tuple(_FILE.sub(lambda match: display_path(Path(match[0])), p) for p in record.problems),
        pretrained=read.pretrained if read is not None else False,
        loaded=read.loaded if read is not None else False,
        identity=read.identity if read is not None else -1,
        frozen_norms=read.frozen_norms if read is not None else frozenset(),
        live_norms=read.live_norms if read is not None else frozenset(),
        guessed_input=record.guessed,
        never_called=record.never_called,
    )


def _calls(record: TraceRecord, layers: dict[str, Layer], places: PlacedNodes) -> tuple[Call, ...]:
    """The calls of a trace, with the loops that they are passes of."""
    calls: list[Call] = []
    passes = Passes()
    for call in record.calls:
        made = _call(call, calls, layers, places)
        frames = () if made.site is None else (made.site, *made.callers)
        calls.append(replace(made, loops=passes.of(frames)))
    return tuple(calls)


def _layer(record: LayerRecord, sites: tuple[Site, ...], read: Layer | None) -> Layer:
    written = sites[0] if sites else None
    if read is not None and (written is None or read.site == written):
        return replace(
            read,
            arguments=_completed(read.arguments, record),
            certain=True,
            drawn=record.drawn or read.drawn,
        )
    call = written.node if written is not None else None
    return Layer(
        record.name,
        KINDS.get(record.type.rpartition(".")[2], Kind.OTHER),
        record.type,
        record.class_name,
        written or UNWRITTEN,
        {argument.name: argument for argument in _arguments(record, written)},
        Site(written.source, call.func) if written and isinstance(call, cst.Call) else None,
        tuple(sites[1:]),
        record.aliases,
        record.own_forward,
        record.initial,
        drawn=record.drawn,
        refilled=frozenset({"weight", "bias"} - record.initial.keys()),
    )


def _completed(read: Mapping[str, Argument], record: LayerRecord) -> Mapping[str, Argument]:
    """What the code says of arguments, with live values where it says nothing."""
    return {
        name: replace(argument, value=record.arguments.get(name, NOT_KNOWN))
        if argument.value is NOT_KNOWN
        else argument
        for name, argument in read.items()
    }


def _arguments(record: LayerRecord, site: Site | None) -> Iterator[Argument]:
    """The live values, each with the place where the constructor call has it."""
    written = _written(record, site)
    for name, value in record.arguments.items():
        node, positional = written.get(name, (None, False))
        place = Site(site.source, node) if site is not None and node is not None else None
        yield Argument(name, value, place, positional)


def _written(record: LayerRecord, site: Site | None) -> Mapping[str, tuple[cst.CSTNode, bool]]:
    """The argument nodes of a constructor call by parameter name, and whether by position.

    A subclass of a library layer may take other parameters than the layer itself.
    """
    bare = record.type.rpartition(".")[2]
    if site is None or not isinstance(site.node, cst.Call) or record.class_name != bare:
        return {}
    if isinstance(site.source, Uneditable):
        return {}
    names = [p.name for p in SIGNATURES.get(bare, ()) if not p.keyword_only]
    found: dict[str, tuple[cst.CSTNode, bool]] = {}
    for number, argument in enumerate(site.node.args):
        if argument.star:
            break
        if argument.keyword is None and number < len(names):
            found[names[number]] = (argument.value, True)
    for argument in site.node.args:
        if argument.keyword is not None:
            found[argument.keyword.value] = (argument.value, False)
    return {n: entry for n, entry in found.items() if _agrees(entry[0], record.arguments.get(n))}


def _agrees(node: cst.CSTNode, value: object) -> bool:
    """Whether a written literal is the live value; anything else may well be."""
    if not isinstance(node, cst.Integer | cst.Float):
        return True
    return isinstance(value, tuple) or node.evaluated_value == value


def _call(
    record: CallRecord, before: list[Call], layers: Mapping[str, Layer], places: PlacedNodes
) -> Call:
    kind = Kind(record.kind)
    callers = (places.site(caller) for caller in record.callers)
    return Call(
        len(before),
        kind,
        record.op,
        record.inputs,
        layers.get(record.layer) if record.layer is not None else None,
        places.site(record.place),
        {name: Argument(name, value) for name, value in record.arguments.items()},
        record.modules,
        tuple(caller for caller in callers if caller is not None),
        shape=_shape(record, kind, [before[index] for index in record.inputs]),
        error=record.error,
        in_eval=record.in_eval,
    )


def _shape(record: CallRecord, kind: Kind, inputs: list[Call]) -> Shape:
    sizes = record.sizes
    if not sizes:
        return Shape(rank=None if sizes is None else 0, sizes=sizes)
    last = len(sizes) > 2 and _has_channels_last(kind, len(sizes), inputs)
    channels = sizes[-1] if last else sizes[1] if len(sizes) > 1 else None
    return Shape(len(sizes), sizes[0], channels, last, sizes)


def _has_channels_last(kind: Kind, rank: int, inputs: list[Call]) -> bool:
    if kind in _LAST_IS_CHANNELS:
        return True
    alike = [call.shape for call in inputs if call.shape.rank == rank]
    return kind in _KEEPS_LAYOUT and any(shape.channels_last for shape in alike)
