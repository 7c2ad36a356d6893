"""BN108 eps-not-positive: a BatchNorm that divides by the bare standard deviation."""

from collections import defaultdict
from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.built_layers import built_layers, layers_by_site
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Argument, Site
from bnlint.facts.wording.code_text import follows_mode
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule(
    "BN108", "eps-not-positive", Severity.ERROR, fix=Applicability.SAFE, reads=(built_layers,)
)

_EFFECT = (
    "torch refuses to train with it since version 2.10, and older ones turn a channel whose values are all "
    "alike into NaN"
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report an ``eps`` of 0 or less, place by place, of layers and of calls of the function."""
    for site, built in layers_by_site(graphs, Kind.BATCH_NORM).items():
        places: dict[Site, list[tuple[Argument, Layer]]] = defaultdict(list)
        for graph, layer in built:
            eps = layer.assigned.get("eps") or layer.arguments.get("eps")
            if eps is not None and _is_too_small(eps) and _may_train(graph, layer):
                places[eps.site or eps.origin or site].append((eps, layer))
        for place, found in places.items():
            yield _of_layer(place, *found[0])
    calls = (call for graph in graphs for call in graph.calls if _trains_with_too_small(call))
    for call in first_of_each(calls, key=lambda call: call.site):
        if call.site is not None:
            yield RULE.at(
                call.site,
                f"`eps` is {call.arguments['eps'].value} in this call: {_EFFECT}; give it 1e-5",
            )


def _is_too_small(eps: Argument) -> bool:
    return eps.number is not None and eps.number <= 0


def _may_train(graph: ModelGraph, layer: Layer) -> bool:
    """Whether a layer may be in train mode, and is normalised by torch's own code."""
    frozen = layer.name in graph.frozen_norms and layer.name not in graph.live_norms
    return not layer.own_forward and not frozen


def _trains_with_too_small(call: Call) -> bool:
    eps, training = call.arguments.get("eps"), call.arguments.get("training")
    if call.kind is not Kind.BATCH_NORM or call.layer is not None or call.site is None:
        return False
    if eps is None or training is None or not _is_too_small(eps):
        return False
    return training.value is True or follows_mode(call.site.text)


def _of_layer(place: Site, eps: Argument, layer: Layer) -> Finding:
    origin, evidence = eps.origin, []
    if origin is not None and origin != place:
        evidence.append((origin, eps.given_by or "this is where the value comes from"))
    return RULE.at(
        place,
        f"`eps` is {eps.value}, so nothing is added to the variance: {_EFFECT}; use the default of"
        " 1e-5",
        layer=layer.name,
        evidence=evidence,
        fix=_fix(eps),
        cause=eps.cause,
    )


def _fix(eps: Argument) -> Fix | None:
    """Write the default where the number is written, once for all its uses."""
    if eps.site is not None and eps.site.is_number:
        return RULE.fixed_by("Use the default of 1e-5", eps.site.replace("1e-5"))
    origin = eps.sole_origin
    if origin is None:
        return None
    return RULE.fixed_by(
        f"Write 1e-5 in place of {origin.text}",
        origin.replace("1e-5"),
        applicability=Applicability.UNSAFE,
    )
