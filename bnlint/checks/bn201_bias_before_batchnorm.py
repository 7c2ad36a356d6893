"""BN201 bias-before-batchnorm: a bias that the next BatchNorm subtracts again with the mean."""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.model_graphs.built_layers import built_layers, layers_by_site
from bnlint.facts.passes.model_graphs.cancellation import cancelling_norm
from bnlint.facts.passes.model_graphs.optional_norms import Dependence, dependence
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import unpacks_keywords
from bnlint.facts.wording.layer_words import has_name, in_words, with_line
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule

RULE = Rule(
    "BN201",
    "bias-before-batchnorm",
    Severity.ADVICE,
    fix=Applicability.UNSAFE,
    in_tests=False,
    reads=(built_layers,),
)


@immutable
class _Cancelled:
    """A layer whose bias ``norms`` cancel, one at each of its calls."""

    layer: Layer
    calls: tuple[Call, ...]
    norms: tuple[Call, ...]


@immutable
class _Obstacle:
    """Why the bias cannot simply be left out: the place, what happens there, and what to do."""

    place: Site
    evidence: str
    remedy: str


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report convolutions and linear layers whose bias a BatchNorm removes wherever they run."""
    for site, built in layers_by_site(graphs, Kind.CONV, Kind.LINEAR).items():
        if any(graph.pretrained or layer.published or _is_fixed(layer) for graph, layer in built):
            continue
        given_back = [(graph, layer) for graph, layer in built if _is_given_back(layer)]
        found = _dead(site, built) or _dead(site, given_back)
        if found is not None:
            yield found


def _dead(site: Site, built: Sequence[tuple[ModelGraph, Layer]]) -> Finding | None:
    """What is wrong with layers of one place, if a BatchNorm removes the bias of each that has one."""
    biased = [(graph, layer) for graph, layer in built if _adds_bias(layer)]
    called = [(g, layer) for g, layer in biased if _is_used(g, layer)]
    found = [_cancelled(graph, layer) for graph, layer in called]
    cancelled = [entry for entry in found if entry is not None]
    if not cancelled or len(cancelled) < len(found):
        return None
    return _judged(site, built, cancelled, _covers(cancelled, biased))


def _is_given_back(layer: Layer) -> bool:
    """Whether a layer is built without a bias and gets one afterwards, whatever others get."""
    bias = layer.arguments.get("bias")
    return "bias" in layer.assigned and bias is not None and bias.value is False


def _is_fixed(layer: Layer) -> bool:
    """Whether the author has taken the bias out of training, and it alone."""
    return "bias" in layer.frozen and "weight" not in layer.frozen


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
    calls = graph.calls_by_layer[layer]
    norms = [cancelling_norm(graph, layer, call) for call in calls]
    every = tuple(n for n in norms if n is not None and not _is_frozen(graph, n))
    return _Cancelled(layer, calls, every) if len(every) == len(norms) else None


def _is_frozen(graph: ModelGraph, norm: Call) -> bool:
    """Whether a BatchNorm is in eval mode whenever the model trains, so that the bias is alive."""
    return norm.layer is not None and norm.layer.name in graph.frozen_norms


def _judged(
    site: Site,
    built: Sequence[tuple[ModelGraph, Layer]],
    cancelled: list[_Cancelled],
    covered: bool,
) -> Finding:
    layers = [layer for _, layer in built]
    choices = {_choice(entry) for entry in cancelled}
    choice = next(iter(choices)) if len(choices) == 1 else next(filter(None, choices), None)
    obstacle = _reader(layers) or _pairing(layers) or _undecided(choice, len(choices))
    fix = None
    if covered and obstacle is None:
        fix = _fix(site, layers, choice.otherwise if choice is not None else None)
    return _finding(site, cancelled[0], obstacle, choice, fix)


def _choice(entry: _Cancelled) -> Dependence | None:
    """What decides whether the layer is normalised, if anything does."""
    found = (dependence(entry.layer, *pair) for pair in zip(entry.calls, entry.norms, strict=True))
    return next((choice for choice in found if choice is not None), None)


def _reader(layers: Sequence[Layer]) -> _Obstacle | None:
    """The place that reads the bias of one of the layers."""
    place = _read(layers, "bias")
    if place is None:
        return None
    where = f"{place.path}:{place.span.line}"
    remedy = f"`bias=False` leaves it out, once {where}, which may read it, can do without"
    return _Obstacle(
        place, "biases are read here: this one would be missing, if it is among them", remedy
    )


def _pairing(layers: Sequence[Layer]) -> _Obstacle | None:
    """The place that tells the parameters of different models, or saved ones, apart by position."""
    place = _read(layers, "order")
    if place is None:
        return None
    where = f"{place.path}:{place.span.line}"
    remedy = f"`bias=False` leaves it out, once {where} no longer goes by the order of parameters"
    evidence = "parameters are told apart by their order here, and later ones would shift"
    return _Obstacle(place, evidence, remedy)


def _read(layers: Sequence[Layer], what: str) -> Site | None:
    found = (layer.reads.get(what) for layer in layers if layer.reads is not None)
    return next((site for site in found if site is not None), None)


def _undecided(choice: Dependence | None, choices: int) -> _Obstacle | None:
    """What stands against leaving the bias out where the norm may be missing."""
    if choice is None or (choice.otherwise is not None and choices == 1):
        return None
    remedy = "leave it out where that is there"
    return _Obstacle(choice.place, "this decides whether the norm is there", remedy)


def _finding(
    site: Site,
    entry: _Cancelled,
    obstacle: _Obstacle | None,
    choice: Dependence | None,
    fix: Fix | None,
) -> Finding:
    layer, norm = entry.layer, entry.norms[0]
    assigned = layer.assigned.get("bias")
    place = assigned.site if assigned is not None and assigned.site is not None else site
    name = f"`{norm.op}`" if norm.layer is None else in_words(norm.layer)
    evidence = [(norm.site, f"{name} subtracts the mean here")] if norm.site else []
    subtracting = name if norm.layer is None else with_line(norm.layer, place)
    if obstacle is not None:
        evidence.append((obstacle.place, obstacle.evidence))
    otherwise = choice.otherwise if choice is not None else None
    remedy = obstacle.remedy if obstacle is not None else _remedy(layer, otherwise or "False")
    return RULE.at(
        place,
        f"The bias of {in_words(layer)} does nothing: {subtracting} subtracts the mean of each channel,"
        f" and the bias with it{_no_shift(norm.layer)}; {remedy}",
        layer=layer.name,
        evidence=evidence,
        fix=fix,
    )


def _no_shift(batch_norm: Layer | None) -> str:
    """What the user may not expect where the BatchNorm has no bias of its own either."""
    arguments = batch_norm.arguments if batch_norm is not None else {}
    values = [arguments[name].value for name in ("affine", "bias") if name in arguments]
    return ", so nothing shifts the channels here" if False in values else ""


def _remedy(layer: Layer, bias: str) -> str:
    if "bias" in layer.assigned:
        given_back = _is_given_back(layer)
        return "leave it out: the layer was built without one" if given_back else "leave it out"
    key = f"`{layer.name}.bias`" if has_name(layer) else "its `bias`"
    return f"`bias={bias}` leaves it out (checkpoints then lack {key})"


def _fix(site: Site, layers: Sequence[Layer], otherwise: str | None) -> Fix | None:
    """Leave the bias out; ``otherwise`` says when it has to stay."""
    if any("bias" in layer.assigned or layer.reads is None for layer in layers):
        return None
    if any(layer.class_name != layer.type.rpartition(".")[2] for layer in layers):
        return None
    title = "Leave the bias out: checkpoints lose its key, later layers start from other numbers"
    bias = layers[0].arguments.get("bias")
    written = bias.site if bias is not None else None
    value = otherwise or "False"
    if written is None:
        if unpacks_keywords(site.text):
            return None  # a caller may say `bias` itself
        agreed = all(layer.has_bias is True for layer in layers)
        return RULE.fixed_by(title, site.add_argument(f"bias={value}")) if agreed else None
    return RULE.fixed_by(title, written.replace(value)) if written.text == "True" else None
