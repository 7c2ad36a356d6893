"""The graph of a traced model for programs that draw: Graphviz's dot and Mermaid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bnlint.errors import UsageError
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import NORMALIZATIONS, Kind
from bnlint.immutable import immutable
from bnlint.report import graph_json
from bnlint.report.layer_table import sizes
from bnlint.visible import visible

ENDINGS = (".dot", ".mmd", ".json")
"""What the name of a graph's file may end in: Graphviz, Mermaid, JSON."""

_NORM, _REPORTED = "#cfe8fc", "#d62728"


@dataclass(slots=True)
class Node:
    """One call, or all calls in one module; ``reported`` are the ids of rules that it breaks."""

    title: str
    shape: str
    normalises: bool = False
    reported: dict[str, None] = field(default_factory=dict)


@immutable
class Drawing:
    """Nodes, and which give their outputs to which."""

    nodes: dict[str, Node]
    edges: dict[tuple[str, str], None]


def require_graph_ending(path: Path) -> None:
    """Raise :class:`UsageError` for a name that does not say in which format to write."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"`{path}` must end in .dot (Graphviz), .mmd (Mermaid) or .json")


def text(
    graph: ModelGraph,
    ending: str,
    depth: int | None = None,
    rules: Mapping[str, Sequence[str]] = {},
) -> str:
    """Return the graph in the format of an ending; ``rules`` are those that layers break, by their names.

    With ``depth``, modules at that depth stand for what is in them; JSON always has all.
    """
    if ending == ".json":
        return graph_json.text(graph)
    drawing = drawing_of(graph, depth, rules)
    lines = _dot(drawing) if ending == ".dot" else _mermaid(drawing)
    return "\n".join(lines) + "\n"


def drawing_of(graph: ModelGraph, depth: int | None, rules: Mapping[str, Sequence[str]]) -> Drawing:
    """Lay out calls, or modules at a depth, with the data flow between them."""
    drawing, known = Drawing({}, {}), {layer.name: layer for layer in graph.layers}
    keys = [_key(call, depth) for call in graph.calls]
    for call, key in zip(graph.calls, keys, strict=True):
        module = known.get(key) if depth is not None else call.layer
        title = _title(call, key, module.class_name if module is not None else call.op)
        node = drawing.nodes.setdefault(key, Node(title, ""))
        node.shape = sizes(call)
        node.normalises |= call.kind in NORMALIZATIONS and (depth is None or call.op in title)
        if call.layer is not None:
            node.reported |= dict.fromkeys(rules.get(call.layer.name, ()))
        for source in call.inputs:
            if keys[source] != key:
                drawing.edges[keys[source], key] = None
    return drawing


def _key(call: Call, depth: int | None) -> str:
    """A call by its number, or the module at a depth that it is in."""
    if depth is None or call.kind in (Kind.INPUT, Kind.PARAMETER):
        return f"#{call.index}"
    if call.layer is not None:
        return ".".join(call.layer.name.split(".")[:depth])
    around = call.modules[-1].split(".") if call.modules and call.modules[-1] else []
    return ".".join(around[:depth]) if len(around) >= depth else f"#{call.index}"


def _title(call: Call, key: str, what: str) -> str:
    name = key if key[:1] != "#" else call.layer.name if call.layer is not None else ""
    return visible(f"{name}: {what}" if name and name != what else what)


def _dot(drawing: Drawing) -> Iterator[str]:
    yield "digraph model {"
    yield '  node [shape=box, style=filled, fillcolor=white, fontname="sans-serif"];'
    numbers = {key: f"n{number}" for number, key in enumerate(drawing.nodes)}
    for key, node in drawing.nodes.items():
        label = "\\n".join(map(_quoted, filter(None, (node.title, node.shape))))
        fill = f', fillcolor="{_NORM}"' * node.normalises
        frame = f', color="{_REPORTED}", penwidth=2' * bool(node.reported)
        yield f'  {numbers[key]} [label="{label}"{fill}{frame}];'
    yield from (f"  {numbers[start]} -> {numbers[end]};" for start, end in drawing.edges)
    yield "}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _mermaid(drawing: Drawing) -> Iterator[str]:
    yield "flowchart TD"
    numbers = {key: f"n{number}" for number, key in enumerate(drawing.nodes)}
    for key, node in drawing.nodes.items():
        label = "<br>".join(map(_entities, filter(None, (node.title, node.shape))))
        yield f'  {numbers[key]}["{label}"]'
    yield from (f"  {numbers[start]} --> {numbers[end]}" for start, end in drawing.edges)
    normalising = [numbers[key] for key, node in drawing.nodes.items() if node.normalises]
    told = [numbers[key] for key, node in drawing.nodes.items() if node.reported]
    if normalising:
        yield f"  style {','.join(normalising)} fill:{_NORM}"
    if told:
        yield f"  style {','.join(told)} stroke:{_REPORTED},stroke-width:2px"


def _entities(text: str) -> str:
    """Mermaid's own escapes: ``#35;`` for what its grammar gives a meaning."""
    return "".join(c if c.isalnum() or c in " .:_-x()" else f"#{ord(c)};" for c in text)
