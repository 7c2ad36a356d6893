"""BN201 bias-before-batchnorm: a bias that the next BatchNorm subtracts again with the mean."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bnlint.facts.cancellation import cancelling_norm
from bnlint.facts.graph import Call, Layer, ModelGraph, layers_by_site
from bnlint.facts.kind import Kind
from bnlint.facts.site import Site
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN201", "bias-before-batchnorm", Severity.ADVICE, fix=Applicability.UNSAFE, in_tests=False
)


@dataclass(frozen=True, slots=True)
class _Cancelled:
    """A layer whose bias ``norm`` cancels at its first call, and others at the rest."""

    layer: Layer
    norm: Call


@RULE.on_graphs
def check(graphs: Sequence[ModelGraph]) -> Iterator[Finding]:
    """Report convolutions and linear layers whose bias a BatchNorm removes wherever they run."""
    for site, built in layers_by_site(graphs, Kind.CONV, Kind.LINEAR).items():
        if any(graph.pretrained for graph, _ in built):
            continue
        biased = [(graph, layer) for graph, layer in built if _adds_bias(layer)]
        called = [(g, layer) for g, layer in biased if _is_used(g, layer)]
        found = [_cancelled(graph, layer) for graph, layer in called]
        cancelled = [entry for entry in found if entry is not None]
        if cancelled and len(cancelled) == len(found):
            fix = _fix(site, built) if _covers(cancelled, biased) else None
            yield _finding(site, cancelled, fix)


def _adds_bias(layer: Layer) -> bool:
    assigned = layer.assigned.get("bias")
    if assigned is not None:
        return assigned.value is not None
    return layer.has_bias is True


def _is_used(graph: ModelGraph, layer: Layer) -> bool:
    """Whether a model's forward calls the layer; one that stands alone may belong anywhere."""
    return layer.name != "" and layer in graph.calls_by_layer


def _covers(cancelled: list[_Cancelled], biased: list[tuple[ModelGraph, Layer]]) -> bool:
    """Whether all layers with a bias are built on the way of one whose bias is known to be dead."""
    ways = {entry.layer.chain[:1] for entry in cancelled}
    return all(layer.chain[:1] in ways for _, layer in biased)


def _cancelled(graph: ModelGraph, layer: Layer) -> _Cancelled | None:
    if layer.own_forward:
        return None
    norms = [cancelling_norm(graph, layer, call) for call in graph.calls_by_layer[layer]]
    first = norms[0]
    if first is None or any(norm is None or _is_frozen(graph, norm) for norm in norms):
        return None
    return _Cancelled(layer, first)


def _is_frozen(graph: ModelGraph, norm: Call) -> bool:
    """Whether a BatchNorm is in eval mode whenever the model trains, so that the bias is alive."""
    return norm.layer is not None and norm.layer.name in graph.frozen_norms


def _finding(site: Site, cancelled: list[_Cancelled], fix: Fix | None) -> Finding:
    layer, norm = cancelled[0].layer, cancelled[0].norm
    assigned = layer.assigned.get("bias")
    place = assigned.site if assigned is not None and assigned.site is not None else site
    name = norm.layer.name if norm.layer is not None else norm.op
    return RULE.at(
        place,
        f"The bias of `{layer.name}` is cancelled by `{name}`, which subtracts the mean of each"
        f" channel and the bias with it{_no_shift(norm.layer)}; {_remedy(layer)}",
        layer=layer.name,
        evidence=[(norm.site, f"`{name}` subtracts the mean here")] if norm.site else (),
        fix=fix,
    )


def _no_shift(batch_norm: Layer | None) -> str:
    """What the user may not expect where the BatchNorm has no bias of its own either."""
    arguments = batch_norm.arguments if batch_norm is not None else {}
    values = [arguments[name].value for name in ("affine", "bias") if name in arguments]
    return ", so nothing shifts the channels here" if False in values else ""


def _remedy(layer: Layer) -> str:
    if "bias" in layer.assigned:
        return "leave it out"
    return f"`bias=False` leaves it out (checkpoints then lack `{layer.name}.bias`)"


def _fix(site: Site, built: list[tuple[ModelGraph, Layer]]) -> Fix | None:
    layers = [layer for _, layer in built]
    if any("bias" in layer.initial or "bias" in layer.assigned for layer in layers):
        return None
    if any(layer.class_name != layer.type.rpartition(".")[2] for layer in layers):
        return None
    title = "Leave the bias out: checkpoints lose its key, later layers start from other numbers"
    bias = layers[0].arguments.get("bias")
    written = bias.site if bias is not None else None
    if written is None:
        agreed = all(layer.has_bias is True for layer in layers)
        return RULE.fixed_by(title, site.add_argument("bias=False")) if agreed else None
    return RULE.fixed_by(title, written.replace("False")) if written.text == "True" else None
