"""BN203 num-features-mismatch: a BatchNorm for another number of channels than it gets."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.built_layers import built_layers, layers_by_site
from bnlint.facts.passes.model_graphs.layout import axes_of
from bnlint.facts.passes.model_graphs.misplaced_features import misplaced_features
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Argument, Site
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN203",
    "num-features-mismatch",
    Severity.ERROR,
    fix=Applicability.UNSAFE,
    reads=(built_layers, axes_of),
    in_tests=False,
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report BatchNorm layers whose number of features is not that of their input's channels."""
    for site, built in layers_by_site(graphs, Kind.BATCH_NORM).items():
        found = [
            (graph, layer, call, channels)
            for graph, layer in built
            if _compares(layer)
            for call in graph.calls_by_layer.get(layer, ())
            if (channels := _channels(graph, call)) is not None
        ]
        wrong = [
            (graph, layer, call, channels)
            for graph, layer, call, channels in found
            if channels != layer.channels and misplaced_features(graph, call) is None
        ]
        if wrong:
            calls = [call for g, layer in built for call in g.calls_by_layer.get(layer, ())]
            judged = len(found) == len(calls)
            unanimous = judged and len({channels for *_, channels in found}) == 1
            yield _finding(site, *wrong[0][1:], unanimous)


def _compares(layer: Layer) -> bool:
    """Whether torch looks at the size at all: not without both weights and running statistics."""
    used = ("affine", "track_running_stats")
    kept = [layer.arguments[name].value for name in used if name in layer.arguments]
    return not layer.own_forward and layer.channels is not None and True in kept


def _channels(graph: ModelGraph, call: Call) -> int | None:
    """The size of dimension 1 of what a call gets, where it certainly runs."""
    if not call.inputs or not call.certain:
        return None
    source = graph.calls[call.inputs[0]]
    if source.shape.channels_last or (source.shape.rank is None and source.kind is not Kind.CONV):
        return None
    return source.shape.channels


def _finding(site: Site, layer: Layer, call: Call, channels: int, unanimous: bool) -> Finding:
    features = layer.arguments["num_features"]
    tracks = layer.arguments["track_running_stats"].value
    compared = "weight" if tracks is False else "running_mean"
    return RULE.at(
        features.site or site,
        f"{in_words(layer)} is built for {layer.channels} channels but gets {channels}, and torch"
        f' raises "{compared} should contain {channels} elements not {layer.channels}";'
        " make the two numbers the same",
        layer=layer.name,
        evidence=[(call.site, f"it gets {channels} channels here")] if call.site else (),
        fix=_fix(features, channels) if unanimous else None,
    )


def _fix(features: Argument, channels: int) -> Fix | None:
    if features.site is None or not features.site.text.isdecimal():
        return None
    return RULE.fixed_by(f"Use {channels}", features.site.replace(str(channels)))
