"""BN414 checkpointed-batchnorm: activations are computed again, and so are the running statistics."""

from collections.abc import Iterator, Sequence

from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import unpacks_keywords
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule("BN414", "checkpointed-batchnorm", Severity.ADVICE, fix=Applicability.DISPLAY)
MOST_EDITS = 20
"""Layers that a fix would change one by one."""
DIGITS = 3
"""Nobody writes a momentum with more decimals, so that one that has them was computed."""


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each call that computes BatchNorm layers twice, for those that are trained."""
    found: dict[Site, list[Layer]] = {}
    once: set[Site] = set()
    for graph in graphs:
        for call in graph.calls:
            if call.layer is None or call.kind is not Kind.BATCH_NORM:
                continue
            if call.recomputed is None or not call.certain:
                once.add(call.layer.site)
            elif _is_updated_twice(graph, call, call.layer, call.recomputed):
                found.setdefault(call.recomputed, []).append(call.layer)
    for place, layers in found.items():
        yield _finding(place, list(dict.fromkeys(layers)), once)


def _is_updated_twice(graph: ModelGraph, call: Call, layer: Layer, place: Site) -> bool:
    """Whether a layer has running statistics that the training updates with its own momentum.

    A compiled model computes again only what does not write.
    """
    if layer.name not in graph.live_norms or layer.name in graph.frozen_norms or layer.own_forward:
        return False
    tracks = layer.arguments.get("track_running_stats")
    if tracks is None or tracks.value is not True or _momentum(layer) is None:
        return False
    places = (place, layer.site, graph.site)
    return not any(site.source.mentions("compile(") for site in places)


def _momentum(layer: Layer) -> float | None:
    """The momentum, unless it is ``None``, not known or was computed for two updates."""
    given = layer.assigned.get("momentum") or layer.arguments.get("momentum")
    number = given.number if given is not None else None
    plain = number is not None and 0 < number < 1 and round(number, DIGITS) == number
    return number if plain else None


def _finding(place: Site, layers: Sequence[Layer], once: set[Site]) -> Finding:
    first = layers[0]
    momentum = _momentum(first) or 0.1
    others = f" (and {len(layers) - 1} more)" if len(layers) > 1 else ""
    return RULE.at(
        place,
        "What is checkpointed runs a second time in the backward pass, so that each training step"
        f" updates the running statistics of {in_words(first)}{others} twice: a momentum of"
        f" {momentum:g} acts like {1 - (1 - momentum) ** 2:.3g}, and they are noisier; give these"
        f" layers `momentum={_halved(momentum)}`",
        layer=first.name,
        evidence=[(first.site, "a BatchNorm that it contains")],
        fix=_fix(place, layers, once),
    )


def _halved(momentum: float) -> str:
    """The momentum that two updates make of one."""
    return f"1 - (1 - {momentum:g}) ** 0.5"


def _fix(place: Site, layers: Sequence[Layer], once: set[Site]) -> Fix | None:
    """Give it to layers that have the default, where none built there is computed once.

    Of a sequence in parts the last one is.
    """
    sites = {layer.site: layer for layer in layers}
    if len(sites) > MOST_EDITS or once & sites.keys():
        return None
    texts = [site.text for site in (place, *sites)]
    if "sequential" in texts[0] or any(map(unpacks_keywords, texts[1:])):
        return None
    if any(layer.arguments["momentum"].given or layer.assigned for layer in layers):
        return None
    edits = [site.add_argument(f"momentum={_halved(0.1)}") for site in sites]
    return RULE.fixed_by("Use the momentum that two updates make of one", *edits)
