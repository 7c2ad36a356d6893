"""From records of a trace to graphs with the nodes of the user's files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bnlint.facts.types.graph import ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import NOT_KNOWN
from bnlint.interpreter import graph_of
from bnlint.source import Project
from bnlint.tracer.graphs.model_graphs import model_graph
from bnlint.tracer.record.records import (
    CallRecord,
    LayerRecord,
    TracePlace,
    TraceRecord,
    from_json,
    to_json,
)

CODE = """\
import torch
from torch import nn


def conv3x3(inside, outside):
    return nn.Conv2d(inside, outside, 3)


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = conv3x3(3, width)
        self.body = nn.Sequential(nn.BatchNorm2d(width, momentum=0.9), nn.ReLU())
        self.body2 = nn.Sequential(*[nn.ReLU()])

    def forward(self, x):
        return self.body(self.conv(x))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(CODE)
    return tmp_path / "net.py"


def net_record(file: Path, **changes: object) -> TraceRecord:
    conv = {"in_channels": 3, "out_channels": 8, "kernel_size": (3, 3), "bias": True}
    norm = {"num_features": 8, "eps": 1e-5, "momentum": 0.9, "affine": True}
    place = TracePlace(str(file), 9, 17, function="Net")
    layers = (
        LayerRecord("", "torch.nn.Module", "Net", class_places=(place,)),
        LayerRecord("conv", "torch.nn.Conv2d", "Conv2d", arguments=conv),
        LayerRecord("body", "torch.nn.Sequential", "Sequential"),
        LayerRecord("body.0", "torch.nn.BatchNorm2d", "BatchNorm2d", arguments=norm),
        LayerRecord("body.1", "torch.nn.ReLU", "ReLU"),
        LayerRecord("body2.0", "torch.nn.ReLU", "ReLU"),
    )
    calls = (
        CallRecord("input", "input", sizes=(2, 3, 8, 8)),
        CallRecord("conv", "Conv2d", (0,), "conv", modules=("", "conv"), sizes=(2, 8, 6, 6)),
        CallRecord("batch norm", "BatchNorm2d", (1,), "body.0", sizes=(2, 8, 6, 6), error="odd"),
    )
    record = TraceRecord("Net", layers, calls, (2,), "meta", ("2x3x8x8",), True)
    return replace(record, **changes)  # type: ignore[arg-type]


def watched(record: TraceRecord, file: Path) -> TraceRecord:
    """The same with the places that a watched construction gives."""
    places = {
        "conv": (
            TracePlace(str(file), 6, 6, 11, 40, "conv3x3"),
            TracePlace(str(file), 12, 12, 20, 37, "__init__"),
        ),
        "body.0": (TracePlace(str(file), 13, 13, 34, 69, "__init__"),),
    }
    layers = tuple(replace(each, places=places.get(each.name, ())) for each in record.layers)
    return replace(record, layers=layers)


def layer(graph: ModelGraph, name: str):  # type: ignore[no-untyped-def]
    return next(each for each in graph.layers if each.name == name)


def test_records_survive_json(file: Path) -> None:
    record = watched(net_record(file), file)
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


def test_layers_stand_where_they_were_built(file: Path) -> None:
    graph = model_graph(watched(net_record(file), file), Project())
    conv, norm = layer(graph, "conv"), layer(graph, "body.0")
    assert conv.site.text == "nn.Conv2d(inside, outside, 3)"
    assert [site.text for site in conv.chain] == ["conv3x3(3, width)"]
    assert conv.class_site.text == "nn.Conv2d"
    momentum = norm.arguments["momentum"]
    assert (momentum.value, momentum.site.text, momentum.positional) == (0.9, "0.9", False)
    assert norm.arguments["num_features"].positional
    assert conv.site.add_argument("bias=False") is not None


def test_unwatched_layers_are_looked_up_in_their_class(file: Path) -> None:
    graph = model_graph(net_record(file), Project())
    norm = layer(graph, "body.0")
    assert norm.site.text == "nn.BatchNorm2d(width, momentum=0.9)"
    assert norm.site.remove_argument(norm.arguments["momentum"].site) is not None


def test_a_call_of_something_else_is_shown_but_not_edited(file: Path) -> None:
    conv = layer(model_graph(net_record(file), Project()), "conv")
    assert conv.site.text == "conv3x3(3, width)"
    assert conv.site.add_argument("bias=False") is None
    assert all(argument.site is None for argument in conv.arguments.values())


def test_what_no_place_tells_stands_at_no_source(file: Path) -> None:
    graph = model_graph(net_record(file), Project())
    assert layer(graph, "body2.0").site.path == "<no source>"


def test_calls_have_sizes_errors_and_layers(file: Path) -> None:
    graph = model_graph(net_record(file), Project())
    _, conv, norm = graph.calls
    assert norm.layer is layer(graph, "body.0")
    assert norm.error == "odd"
    assert (conv.shape.sizes, conv.shape.rank, conv.shape.channels) == ((2, 8, 6, 6), 4, 8)
    assert graph.guessed_input
    assert graph.complete
    assert not model_graph(net_record(file, problems=("lost",)), Project()).complete


@pytest.mark.parametrize(
    ("kind", "sizes", "expected"),
    [
        ("linear", (2, 7, 5), (5, True)),
        ("linear", (2, 5), (5, False)),
        ("relu", (2, 5, 9), (5, False)),
    ],
)
def test_channels_are_last_after_linear_layers_on_sequences(
    file: Path, kind: str, sizes: tuple[int, ...], expected: tuple[int, bool]
) -> None:
    name = "activation" if kind == "relu" else kind
    calls = (CallRecord("input", "input"), CallRecord(name, kind, (0,), sizes=sizes))
    kept = CallRecord("activation", "relu", (1,), sizes=sizes)
    graph = model_graph(net_record(file, calls=(*calls, kept)), Project())
    for call in graph.calls[1:]:
        assert (call.shape.channels, call.shape.channels_last) == expected


def test_what_was_read_is_kept_and_completed(file: Path) -> None:
    project = Project()
    read = graph_of(file, "Net(width)", project)
    assert layer(read, "body.0").arguments["num_features"].value is NOT_KNOWN
    graph = model_graph(watched(net_record(file), file), project, read=read)
    norm = layer(graph, "body.0")
    assert norm.arguments["num_features"].value == 8
    assert norm.arguments["momentum"].site == layer(read, "body.0").arguments["momentum"].site
    assert norm.site == layer(read, "body.0").site
    assert [call.kind for call in graph.calls] == [Kind.INPUT, Kind.CONV, Kind.BATCH_NORM]
