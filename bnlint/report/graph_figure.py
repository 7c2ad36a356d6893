"""Pictures of models within a page: their calls from top to bottom, with arcs for what goes past some of them."""

from collections.abc import Mapping, Sequence
from html import escape

from bnlint.facts.types.graph import Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.finding import Finding, Span
from bnlint.report.graph_drawing import Drawing, Node, drawing_of

MOST_NODES = 160
"""Of a model with more calls, modules stand for what is in them."""
MOST_FIGURES = 24
"""Models that are drawn."""
_ROW, _LANE, _GAP, _CHARACTER = 22, 9, 12, 7.4  # pixels; the last is the width of a letter


def drawn(
    graphs: Sequence[ModelGraph], findings: Sequence[Finding]
) -> list[tuple[ModelGraph, Mapping[str, list[str]]]]:
    """The models that are worth drawing, each with the rules that its layers break, by their names.

    Those that findings are about come first; what one line builds in the same shape is drawn once.
    """
    about = broken_rules(graphs, findings)
    found: dict[object, tuple[ModelGraph, Mapping[str, list[str]]]] = {}
    for graph in graphs:
        if any(call.kind is Kind.BATCH_NORM for call in graph.calls):
            told = {la.name: about[la.identity] for la in graph.layers if la.identity in about}
            names = tuple(layer.name for layer in graph.layers)
            found.setdefault((graph.site.span, names, tuple(told)), (graph, told))
    ordered = sorted(found.values(), key=lambda item: (not item[1], item[0].site.span))
    return ordered[:MOST_FIGURES]


def broken_rules(graphs: Sequence[ModelGraph], findings: Sequence[Finding]) -> dict[int, list[str]]:
    """For each layer that findings are about, by its identity, the ids of their rules."""
    found: dict[int, dict[str, None]] = {}
    named = [finding for finding in findings if finding.layer]
    for graph in graphs if named else ():
        layers = {layer.name: layer for layer in graph.layers}
        for finding in named:
            layer = layers.get(finding.layer or "")
            if layer is not None and layer.identity >= 0 and _is_about(finding, graph, layer):
                found.setdefault(layer.identity, {})[finding.rule] = None
    return {identity: sorted(rules) for identity, rules in found.items()}


def _is_about(finding: Finding, graph: ModelGraph, layer: Layer) -> bool:
    """Whether a finding stands where the layer is built or called, or says that it is in evidence."""
    called = (call.site for call in graph.calls_by_layer.get(layer, ()))
    places = [site.span for site in (layer.site, *called) if site is not None]
    spans = (finding.span, *(item.span for item in finding.evidence))
    return any(_meet(span, place) for span in spans for place in places)


def _meet(one: Span, other: Span) -> bool:
    return one.path == other.path and one.line <= other.end_line and other.line <= one.end_line


def svg(graph: ModelGraph, rules: Mapping[str, list[str]]) -> str:
    """The picture of one model; ``rules`` are those that its layers break."""
    drawing = _small_enough(graph, rules)
    places = {key: number for number, key in enumerate(drawing.nodes)}
    arcs = _arcs([(places[start], places[end]) for start, end in drawing.edges])
    left = _GAP + _LANE * (1 + max((lane for _, _, lane in arcs), default=-1))
    texts = [_text(node) for node in drawing.nodes.values()]
    width = left + 2 * _GAP + _CHARACTER * max(map(len, texts), default=0)
    height = _ROW * len(texts)
    rows = (
        _node(node, text, left, _middle(number))
        for number, (node, text) in enumerate(zip(drawing.nodes.values(), texts, strict=True))
    )
    paths = "".join(_path(start, end, lane, left) for start, end, lane in arcs)
    return (
        f'<svg class="graph" role="img" aria-label="{escape(_said(graph, rules))}" width="{width:.0f}" height="{height}">'
        f"{paths}{''.join(rows)}</svg>"
    )


def _small_enough(graph: ModelGraph, rules: Mapping[str, list[str]]) -> Drawing:
    whole = drawing_of(graph, None, rules)
    if len(whole.nodes) <= MOST_NODES:
        return whole
    deepest = max(layer.name.count(".") for layer in graph.layers)
    coarser = (drawing_of(graph, depth, rules) for depth in range(deepest, 0, -1))
    return next((one for one in coarser if len(one.nodes) <= MOST_NODES), whole)


def _arcs(edges: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The edges between nodes, each with a lane in which it crosses no other; -1 is straight down."""
    lanes: list[list[tuple[int, int]]] = []
    found: list[tuple[int, int, int]] = []
    for edge in sorted(edges, key=lambda edge: abs(edge[1] - edge[0])):
        first, last = sorted(edge)
        if edge[1] - edge[0] == 1:
            found.append((*edge, -1))
            continue
        free = (n for n, own in enumerate(lanes) if all(last <= a or b <= first for a, b in own))
        lane = next(free, len(lanes))
        lanes[lane : lane + 1] = [[*(lanes[lane] if lane < len(lanes) else ()), (first, last)]]
        found.append((*edge, lane))
    return found


def _middle(number: int) -> float:
    return _ROW * (number + 0.5)


def _path(start: int, end: int, lane: int, left: float) -> str:
    if lane < 0:
        return f'<path d="M{left} {_middle(start)}V{_middle(end)}"/>'
    outside = left - _LANE * (lane + 1)
    return f'<path d="M{left} {_middle(start)}H{outside}V{_middle(end)}H{left}"/>'


def _node(node: Node, text: str, left: float, middle: float) -> str:
    kind = "reported" if node.reported else "norm" if node.normalises else ""
    return (
        f'<g class="{kind}"><circle cx="{left}" cy="{middle}" r="4"/>'
        f'<text x="{left + _GAP}" y="{middle + 4}">{escape(text)}</text></g>'
    )


def _text(node: Node) -> str:
    rules = f"← {', '.join(node.reported)}" if node.reported else ""
    return "  ".join(filter(None, (node.title, node.shape, rules)))


def _said(graph: ModelGraph, rules: Mapping[str, list[str]]) -> str:
    """What the picture shows, in words."""
    told = "; ".join(f"{', '.join(ids)} at {name}" for name, ids in rules.items())
    return f"{graph.name}, {len(graph.calls)} operations" + (f"; {told}" if told else "")
